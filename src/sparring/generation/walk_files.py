"""A walk as files: a strip of pictures, a row per latent, and a GIF that goes there and back."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparring.core.atomic import write_atomic
from sparring.core.picture import grid, grid_of_rows, write_png
from sparring.generation.walk import Walk

if TYPE_CHECKING:
    from PIL import Image

COLUMNS = 9  # of a strip, from one stop to the next
MILLISECONDS = 60  # a frame
REST = 600  # milliseconds at a stop


def write_walk(folder: Path, walk: Walk) -> dict[str, str]:
    """Write `<name>.png` and `<name>.gif` into `folder`; returns their names by what they are. Raises DiskError."""
    folder.mkdir(exist_ok=True)
    strip, film = f"{walk.name}.png", f"{walk.name}.gif"
    chosen = _columns(walk)
    write_png(folder / strip, grid_of_rows([row[chosen] for row in walk.image]))
    write_atomic(folder / film, _gif(walk))
    return {walk.name: strip, f"{walk.name}_gif": film}


def _columns(walk: Walk) -> list[int]:
    """Frames of the strip: the stops, and evenly spaced ones between them."""
    chosen = {0}
    for start, end in zip(walk.stops[:-1], walk.stops[1:], strict=True):
        count = min(COLUMNS, end - start + 1)
        chosen |= {round(start + (end - start) * i / (count - 1)) for i in range(count)}
    return sorted(chosen)


def _gif(walk: Walk) -> bytes:

    last = walk.image.shape[1] - 1
    order = [*range(last + 1), *range(last - 1, 0, -1)]  # there and back
    frames = [_picture(grid(walk.image[:, i], columns=4)) for i in range(last + 1)]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, format="GIF", save_all=True, append_images=[frames[i] for i in order[1:]], loop=0,
        duration=[REST if i in walk.stops else MILLISECONDS for i in order],
    )  # fmt: skip
    return buffer.getvalue()


def _picture(pixels: np.ndarray) -> "Image.Image":
    from PIL import Image

    grey = pixels.shape[2] == 1
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels[:, :, :3]))
