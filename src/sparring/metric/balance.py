"""Class balance and mode count of samples, from the labels that a classifier predicts for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.metric.inception_score import entropy


@dataclass(frozen=True)
class Balance:
    """counts: images per predicted class. modes: classes present.

    entropy: of the class shares over log K, 0 (one class) to 1 (all equal).
    total_variation: half the absolute difference from the reference shares, 0 (equal) to 1 (disjoint).
    """

    counts: tuple[int, ...]
    modes: int
    entropy: float
    total_variation: float


def class_balance(predicted: Tensor, prior: Tensor | Sequence[float], *, present: int = 1) -> Balance:
    """Balance of predicted (N,) int64 in 0..K-1 against the reference shares prior (K,), K >= 2, summing to 1.

    present: images that a class needs to count as a mode.
    """
    share = torch.as_tensor(prior, dtype=torch.float64).cpu()
    check_labels(predicted, len(share))
    if len(share) < 2 or bool((share < 0).any()) or abs(float(share.sum()) - 1) > 1e-4:
        raise ConfigError(f"The reference shares {share.tolist()[:10]} must be of 2 or more classes and sum to 1.")
    return balance_of(torch.bincount(predicted.cpu(), minlength=len(share)), share, present=present)


def balance_of(counts: Tensor, prior: Tensor, *, present: int = 1) -> Balance:
    """The same from counts (K,), not all 0."""
    if not int(counts.sum()):
        raise DataError("Class balance needs 1 or more images, got none.")
    found = counts.double() / counts.sum()
    return Balance(
        counts=tuple(int(n) for n in counts.tolist()),
        modes=int((counts >= present).sum()),
        entropy=float(entropy(found) / torch.tensor(float(len(counts)), dtype=torch.float64).log()),
        total_variation=float((found - prior.double()).abs().sum() / 2),
    )


def check_labels(label: Tensor, num_classes: int) -> None:
    if not len(label):
        raise DataError("Class balance needs 1 or more images, got none.")
    if bool((label < 0).any()) or bool((label >= num_classes).any()):
        raise ConfigError(
            f"Predicted classes run from {int(label.min())} to {int(label.max())}, the reference has {num_classes} classes:"
            " use a classifier of the same data set."
        )
