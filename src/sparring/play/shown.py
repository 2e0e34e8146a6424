"""Tensors as pictures that a browser shows large without smoothing, and as a PNG that carries its recipe."""

import io

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from sparring.core.picture import grid
from sparring.core.plane import POINT, density

RECIPE = "recipe"  # name of the PNG's text


def enlarged(image: Tensor, side: int) -> np.ndarray:
    """(H, W, 3) uint8: the first of images (N, C, H, W) uint8, by a whole factor at least `side` high; of points, all of them."""
    if tuple(image.shape[1:]) == POINT:
        return density([image[:, :, 0, 0].numpy()])
    factor = max(1, -(-side // image.shape[2]))
    pixels = image[0, : 3 if image.shape[1] >= 3 else 1].permute(1, 2, 0).numpy()
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).repeat(factor, 0).repeat(factor, 1)


def tiled(image: Tensor, columns: int) -> np.ndarray:
    """(H, W, 3) uint8: some images (N, C, H, W) uint8 beside and below each other."""
    picture = grid(image[:, : 3 if image.shape[1] >= 3 else image.shape[1]], columns)
    return np.broadcast_to(picture[..., :3], (*picture.shape[:2], 3)).copy()


def png(image: Tensor, recipe: str) -> bytes:
    """The image (C, H, W) uint8, 1 to 4 channels, at its own size, with the command that draws it as the PNG's text `recipe`."""
    pixels = image.permute(1, 2, 0).numpy()
    note = PngInfo()
    note.add_text(RECIPE, recipe)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)).save(
        buffer, format="PNG", pnginfo=note
    )
    return buffer.getvalue()
