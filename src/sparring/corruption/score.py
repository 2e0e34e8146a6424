"""Scores: error under corruptions against a baseline, and calibration."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sparring.errors import ConfigError

Errors = Mapping[str, Sequence[float]]  # corruption -> error rate at severities 1 to 5


def mean_corruption_error(errors: Errors, baseline: Errors) -> float:
    """mCE (Hendrycks and Dietterich 2019, section 4.1): mean over corruptions of summed error / that of the baseline.

    1.0 is the baseline itself, less is better. A baseline without an error has no mCE.

    Raises:
        ConfigError: other corruptions than the baseline's, or a baseline that makes no error under one.
    """
    if errors.keys() != baseline.keys() or not errors:
        raise ConfigError(
            f"mCE compares the same corruptions, but one has {sorted(errors)} and the baseline {sorted(baseline)}."
        )
    perfect = [name for name, values in baseline.items() if not sum(values) > 0]
    if perfect:
        raise ConfigError(
            f"the baseline makes no error under {', '.join(perfect)}, so mCE is not defined; leave it out."
        )
    return sum(sum(errors[name]) / sum(baseline[name]) for name in errors) / len(errors)


def expected_calibration_error(probability: Tensor, label: Tensor, *, bins: int = 15) -> float:
    """ECE (Guo et al. 2017, equation 3): mean |accuracy - confidence| over equal bins (low, high] of confidence, by their share.

    probability: (N, K) in [0, 1], rows sum to 1. label: (N,) int64.
    """
    confidence, predicted = probability.double().max(1)
    right = (predicted == label).double()
    inner = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=confidence.device)[1:-1]
    place = torch.bucketize(confidence, inner)
    gap = torch.zeros(bins, dtype=torch.float64, device=confidence.device).index_add_(0, place, right - confidence)
    return float(gap.abs().sum() / len(label))
