"""Images of visitors, from a file or a canvas, as a network takes them; what is no image gets one sentence."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.core.errors import DataError
from sparring.data.reading.decode import Decoder
from sparring.data.reading.source import Encoded

MARGIN = 0.15  # around a drawing, share of its larger side
MOST_BYTES = 20_000_000
INK = 16  # difference from the paper, out of 255, from which on a pixel is drawn


def from_file(path: Path, shape: tuple[int, int, int]) -> Tensor:
    """(1, C, H, W) uint8: the largest centred square, at the size and colours of the networks.

    Args:
        path: on this computer. shape: (C, H, W).

    Raises:
        DataError: it is no image, or too large.
    """
    if not path.is_file():
        raise DataError(f"{path.name} is no file; give a PNG, JPEG or WebP image.")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path.name} has more than {MOST_BYTES // 10**6} MB; give a smaller image.")
    return _decoded(path.read_bytes(), path.name, shape)


def from_canvas(drawing: np.ndarray, shape: tuple[int, int, int], *, dark: bool) -> Tensor:
    """(1, C, H, W) uint8 of a drawing: cut to its ink with a margin, as the images of a data set of single objects are.

    Args:
        drawing: (H, W, 3 or 4) uint8, ink on light paper, or on nothing.
        dark: whether the networks know light objects on dark ground, so that the drawing is turned round.

    Raises:
        DataError: nothing is drawn.
    """
    colour = drawing[..., :3].astype(np.float64)
    if drawing.shape[-1] == 4:
        opacity = drawing[..., 3:].astype(np.float64) / 255
        colour = colour * opacity + 255 * (1 - opacity)
    ink = 255 - colour.min(-1)
    rows, columns = np.nonzero(ink > INK)
    if not len(rows):
        raise DataError("Nothing is drawn yet: draw with the brush, or upload an image.")
    centre = (rows.min() + rows.max() + 1) / 2, (columns.min() + columns.max() + 1) / 2
    half = (0.5 + MARGIN) * max(np.ptp(rows) + 1, np.ptp(columns) + 1)
    top, left = (int(np.floor(each - half)) for each in centre)
    side = max(1, int(np.ceil(2 * half)))
    paper = np.full((side, side, 3), 255.0)
    seen = [
        slice(max(0, -start), min(side, length - start)) for start, length in ((top, len(ink)), (left, ink.shape[1]))
    ]
    paper[seen[0], seen[1]] = colour[
        top + seen[0].start : top + seen[0].stop, left + seen[1].start : left + seen[1].stop
    ]
    pixels = 255 - paper if dark else paper
    buffer = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8)).save(buffer, format="PNG")
    return _decoded(buffer.getvalue(), "the drawing", shape)


def _decoded(content: bytes, name: str, shape: tuple[int, int, int]) -> Tensor:
    channels, size, _ = shape
    decoder = Decoder(channels, size, "lanczos", None, None, "skip", value_range=65535)
    with ThreadPoolExecutor(1) as pool:
        image, _, bad = decoder(Encoded("test", [content], np.zeros(1, np.int64), [name]), pool)
    if bad:
        raise DataError(f"{name} is no image that can be read; give a PNG, JPEG or WebP file.")
    return torch.from_numpy(image)
