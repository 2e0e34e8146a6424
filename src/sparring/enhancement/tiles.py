"""Large images in tiles that join without a seam, and images of other channels than the network was trained on."""

import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import DataError
from sparring.core.pixels import normalise, to_uint8
from sparring.model.enhancer.base import Enhancer, enlarged

REACH = 16  # pixels around a tile, of a network that does not say how far it sees


@torch.no_grad()
def in_tiles(network: Enhancer, image: Tensor, *, tile: int) -> Tensor:
    """Enhanced image (1, C, factor H, factor W) of an image (1, C, H, W) in [-1, 1], at most `tile` pixels at a time.

    Every tile is enhanced with the pixels around it that its output depends on (`network.reach`), so that the result is that
    of the whole image up to rounding.
    """
    height, width = image.shape[2:]
    reach, factor = int(getattr(network, "reach", REACH)), network.factor
    done = image.new_empty(1, image.shape[1], factor * height, factor * width)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = max(0, top - reach), max(0, left - reach)
            bottom, right = min(top + tile, height), min(left + tile, width)
            part = network(image[:, :, above : bottom + reach, before : right + reach])
            rows = slice(factor * (top - above), factor * (bottom - above))
            columns = slice(factor * (left - before), factor * (right - before))
            done[:, :, factor * top : factor * bottom, factor * left : factor * right] = part[:, :, rows, columns]
    return done


def enhanced_pixels(
    network: Enhancer, pixels: np.ndarray, *, channels: int, tile: int, device: torch.device
) -> np.ndarray:
    """Enhanced pixels (factor H, factor W, same channels) uint8 of (H, W, 1 to 4) uint8: grey, grey + alpha, RGB, RGBA.

    Alpha is enlarged bicubically. A network of grey images sees each colour as a grey image; a network of colour images sees
    grey as three equal colours, whose mean is the result.

    Args:
        channels: that the network was trained on, 1 or 3.

    Raises:
        DataError: a network of other channels.
    """
    if channels not in (1, 3):
        raise DataError(f"The enhancer was trained on images of {channels} channels, and files have 1 or 3.")
    image = normalise(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].to(device))
    colours = 3 if image.shape[1] >= 3 else 1
    colour, alpha = image[:, :colours], image[:, colours:]
    if channels == 1:
        made = torch.cat([in_tiles(network, each, tile=tile) for each in colour.split(1, 1)], 1)
    elif colours == 1:
        made = in_tiles(network, colour.expand(-1, 3, -1, -1), tile=tile).mean(1, keepdim=True)
    else:
        made = in_tiles(network, colour, tile=tile)
    done = torch.cat([made, enlarged(alpha, network.factor)], 1) if alpha.shape[1] else made
    return to_uint8(done)[0].permute(1, 2, 0).cpu().numpy()
