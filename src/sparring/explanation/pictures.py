"""Pictures of attribution maps over their images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sparring.core.picture import grid_of_rows, write_png
from sparring.core.pixels import to_uint8

FOR = torch.tensor([255.0, 90.0, 25.0]) / 255  # colour of pixels that speak for the class
AGAINST = torch.tensor([40.0, 130.0, 255.0]) / 255  # and against it
DIM = 0.45  # brightness of the image under a map
PEAK = 0.99  # quantile of a map's absolute values that is drawn in full colour


def overlay(image: Tensor, attribution: Tensor) -> Tensor:
    """(N, 3, H, W) uint8: each map in orange (for) and blue (against) over its image in dim grey.

    Args:
        image: (N, C, H, W) in [-1, 1]. attribution: (N, H, W), each scaled by its own largest values.
    """
    grey = (image.mean(1, keepdim=True) + 1) / 2 * DIM
    peak = attribution.abs().flatten(1).quantile(PEAK, dim=1).clamp(min=1e-12)
    strength = (attribution / peak[:, None, None]).clamp(-1, 1)[:, None]
    colour = torch.where(strength > 0, FOR.view(1, 3, 1, 1), AGAINST.view(1, 3, 1, 1))
    mixed = grey * (1 - strength.abs()) + colour * strength.abs()
    return to_uint8(2 * mixed - 1)


def attribution_picture(path: Path, image: Tensor, maps: Mapping[str, Tensor], names: Sequence[str]) -> None:
    """A PNG with a named row per image: the image, then one map after the other.

    Args:
        image: (N, C, H, W) in [-1, 1]. maps: (N, H, W) by method. names: one per row.

    Raises:
        DiskError: the file could not be written.
    """
    image = image.cpu()
    plain = to_uint8(image if image.shape[1] == 3 else image[:, :1].expand(-1, 3, -1, -1))
    rows = torch.stack([plain, *(overlay(image, each.cpu()) for each in maps.values())], 1)
    write_png(path, grid_of_rows(list(rows), row_labels=names))


def direction_picture(path: Path, strips: Mapping[str, Tensor]) -> None:
    """A PNG with a named row of images per direction.

    Args:
        strips: (n, C, H, W) in [-1, 1] by name.

    Raises:
        DiskError: the file could not be written.
    """
    write_png(path, grid_of_rows([to_uint8(each) for each in strips.values()], row_labels=list(strips)))


def counterfactual_picture(
    path: Path,
    image: Tensor,
    reconstruction: Tensor,
    counterfactual: Tensor,
    adversary: Tensor,
    *,
    names: Sequence[str],
) -> None:
    """A PNG with a named row per image: image, reconstruction, counterfactual, its change, adversary, its change.

    Changes are drawn around grey, each stretched to the whole range.

    Args:
        image, reconstruction, counterfactual, adversary: (N, C, H, W) in [-1, 1].

    Raises:
        DiskError: the file could not be written.
    """

    def change(after: Tensor) -> Tensor:
        moved = after - reconstruction
        return moved / moved.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)

    columns = (image, reconstruction, counterfactual, change(counterfactual), adversary, change(adversary))
    rows = torch.stack([to_uint8(each) for each in columns], 1)
    write_png(path, grid_of_rows(list(rows), row_labels=names))
