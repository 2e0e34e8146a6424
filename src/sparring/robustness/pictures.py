"""A picture of adversarial images: which examples it shows, and how each is drawn."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sparring.attack.evaluation.evaluate import AttackOutcome
from sparring.core.picture import grid_of_rows, write_png
from sparring.core.pixels import to_uint8

ROWS = 10  # of the picture


def examples(outcome: AttackOutcome, label: Tensor) -> list[int]:
    """The rows that a picture shows: the first fooled image of each class, else some that were not; label: (N,)."""
    fooled = (outcome.clean & ~outcome.correct).nonzero().squeeze(1)
    first: dict[int, int] = {}
    for row in fooled.tolist():
        first.setdefault(int(label[row]), row)
    return [first[each] for each in sorted(first)][:ROWS] or list(range(min(ROWS, len(label))))


def adversarial_picture(path: Path, image: Tensor, adversarial: Tensor, names: Sequence[str]) -> None:
    """A PNG with a named row per image: original, perturbation stretched to the whole range around grey, adversarial image.

    Args:
        image, adversarial: (N, C, H, W) float32 in [-1, 1].
        names: one per row.

    Raises:
        DiskError: the file could not be written.
    """
    change = adversarial - image
    stretched = change / change.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    rows = torch.stack([image, stretched, adversarial], 1)
    write_png(path, grid_of_rows([to_uint8(row) for row in rows], row_labels=names))
