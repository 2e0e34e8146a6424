"""Class balance and mode count of samples, from the labels that a classifier predicts for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.metric.inception_score import entropy


@dataclass(frozen=True)
class Balance:
    """How samples are distributed over K classes.

    counts: images per predicted class.
    modes: classes present.
    entropy: of the class shares over log K, 0 (one class) to 1 (all equal).
    total_variation: half the absolute difference from the reference shares, 0 (equal) to 1 (disjoint).
    """

    counts: tuple[int, ...]
    modes: int
    entropy: float
    total_variation: float


def class_balance(predicted: Tensor, prior: Tensor | Sequence[float], *, present: int = 1) -> Balance:
    """Balance of predicted classes against reference shares.

    Args:
        predicted: (N,) int64 in 0..K-1.
        prior: (K,) shares summing to 1, K >= 2.
        present: images that a class needs to count as a mode.

    Raises:
        DataError: no images. ConfigError: a class outside 0..K-1, or shares that do not sum to 1.
    """
    share = torch.as_tensor(prior, dtype=torch.float64).cpu()
    _check(predicted, share)
    counts = torch.bincount(predicted.cpu(), minlength=len(share))
    shares = counts.double() / counts.sum()
    return Balance(
        counts=tuple(int(n) for n in counts.tolist()),
        modes=int((counts >= present).sum()),
        entropy=float(entropy(shares) / torch.tensor(float(len(counts)), dtype=torch.float64).log()),
        total_variation=float((shares - share).abs().sum() / 2),
    )


def _check(predicted: Tensor, share: Tensor) -> None:
    if not len(predicted):
        raise DataError("Class balance needs 1 or more images, got none.")
    if bool((predicted < 0).any()) or bool((predicted >= len(share)).any()):
        raise ConfigError(
            f"Predicted classes run from {int(predicted.min())} to {int(predicted.max())}, the reference has {len(share)}"
            " classes: use a classifier of the same data set."
        )
    if len(share) < 2 or bool((share < 0).any()) or abs(float(share.sum()) - 1) > 1e-4:
        raise ConfigError(f"The reference shares {share.tolist()[:10]} must be of 2 or more classes and sum to 1.")
