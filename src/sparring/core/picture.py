"""Pictures: the one conversion from floats to bytes, grids of images, PNG coding and atomic writing."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.core.atomic import write_atomic
from sparring.core.plane import POINT, density

BACKGROUND = 32  # grey level of gaps, empty cells and the label strip; neither MNIST's black nor a page's white
TEXT = 224
PREFERRED_CELL = 48  # pixels: smaller images are enlarged to at least this height


def enlargement(height: int) -> int:
    """Integer factor that makes images of `height` pixels at least PREFERRED_CELL high."""
    return max(1, math.ceil(PREFERRED_CELL / height))


def grid(
    images: Tensor | np.ndarray,
    columns: int,
    *,
    scale: int | None = None,
    gap: int = 2,
    row_labels: Sequence[str] | None = None,
) -> np.ndarray:
    """Images in rows of `columns`, in reading order; a last row that is not full ends in empty cells.

    Args:
        images: (N, C, H, W) uint8, N >= 1. Of other channel numbers than 1, 3 and 4 the first three are drawn (the first of two).
        scale: integer factor of nearest-neighbour enlargement; None makes small images at least 48 pixels high.
        gap: pixels between and around the images, not enlarged.
        row_labels: one text per row, drawn in a strip on the left.

    Returns:
        (height, width, 1, 3 or 4) uint8.

    Raises:
        ValueError: no column, no image, or images of another type.
    """
    if columns < 1:
        raise ValueError(f"a grid needs at least one column, got {columns}")
    return grid_of_rows(
        torch.as_tensor(images).split(columns), columns=columns, scale=scale, gap=gap, row_labels=row_labels
    )


def grid_of_rows(
    rows: Sequence[Tensor],
    *,
    columns: int | None = None,
    scale: int | None = None,
    gap: int = 2,
    row_labels: Sequence[str] | None = None,
) -> np.ndarray:
    """Like `grid`, from one (n, C, H, W) uint8 tensor per row; shorter rows, also n = 0, end in empty cells.

    Points, which are images of one pixel and two channels, become one density picture, a colour per row.
    """
    if not rows or all(len(row) == 0 for row in rows):
        raise ValueError("a grid needs at least one image")
    if any(row.dtype != torch.uint8 or row.ndim != 4 for row in rows):
        raise ValueError(f"a grid needs (N, C, H, W) uint8 images, got {rows[0].dtype} of shape {tuple(rows[0].shape)}")
    if row_labels is not None and len(row_labels) != len(rows):
        raise ValueError(f"{len(rows)} rows need as many labels, got {len(row_labels)}")
    if rows[0].shape[1:] == POINT:
        return density([row[:, :, 0, 0].cpu().numpy() for row in rows])
    columns = columns or max(len(row) for row in rows)
    cells = [[_cell(image, scale) for image in row] for row in rows]
    height, width, channels = next(cell.shape for row in cells for cell in row)
    canvas = _blank(gap + len(rows) * (height + gap), gap + columns * (width + gap), channels)
    for r, row in enumerate(cells):
        for c, cell in enumerate(row):
            top, left = gap + r * (height + gap), gap + c * (width + gap)
            canvas[top : top + height, left : left + width] = cell
    if row_labels is None:
        return canvas
    return np.concatenate([_label_strip(row_labels, canvas.shape, height, gap), canvas], axis=1)


def encode_png(image: np.ndarray) -> bytes:
    """(H, W, 1 to 4) uint8 as a lossless PNG: grey, grey + alpha, RGB or RGBA."""
    from PIL import Image

    if image.dtype != np.uint8 or image.ndim != 3 or not 1 <= image.shape[2] <= 4:
        raise ValueError(f"a PNG holds (H, W, 1 to 4) uint8, got {image.dtype} of shape {image.shape}")
    buffer = io.BytesIO()
    squeezed = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(np.ascontiguousarray(squeezed)).save(buffer, format="PNG")
    return buffer.getvalue()


def write_png(path: Path, image: np.ndarray) -> None:
    """Write (H, W, 1 to 4) uint8 as a PNG; `path` holds the old file or the whole new one, never a part."""
    write_atomic(path, encode_png(image))


def read_png(path: Path) -> np.ndarray:
    """What `write_png` wrote: (H, W, 1 to 4) uint8."""
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as picture:
        pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _cell(image: Tensor, scale: int | None) -> np.ndarray:
    """(C, H, W) to (H * scale, W * scale, 1, 3 or 4)."""
    channels, height, _ = image.shape
    drawn = channels if channels in (1, 3, 4) else (3 if channels > 4 else 1)
    factor = enlargement(height) if scale is None else scale
    array = image[:drawn].permute(1, 2, 0).cpu().numpy()
    return array.repeat(factor, axis=0).repeat(factor, axis=1)


def _blank(height: int, width: int, channels: int) -> np.ndarray:
    canvas = np.full((height, width, channels), BACKGROUND, dtype=np.uint8)
    if channels == 4:
        canvas[..., 3] = 255
    return canvas


def _label_strip(labels: Sequence[str], grid_shape: tuple[int, ...], cell_height: int, gap: int) -> np.ndarray:
    """(grid height, strip width, channels): each label right-aligned beside the middle of its row."""
    from PIL import Image, ImageDraw, ImageFont

    height, _, channels = grid_shape
    font = ImageFont.load_default(size=max(9, min(14, cell_height - 2)))
    width = max(math.ceil(font.getlength(text)) for text in labels) + 12
    strip = Image.new("L", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(strip)
    for row, text in enumerate(labels):
        middle = gap + row * (cell_height + gap) + cell_height / 2
        draw.text((width - 6, middle), text, fill=TEXT, font=font, anchor="rm")
    pixels = np.repeat(np.asarray(strip)[:, :, None], channels, axis=2)
    if channels == 4:
        pixels[..., 3] = 255
    return pixels
