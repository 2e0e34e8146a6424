"""Inception score (Salimans et al. 2016, section 4) from the class probabilities of any classifier."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.metric.check import check_features


@dataclass(frozen=True)
class InceptionScore:
    """mean: from 1 to the number of classes. std: standard deviation over the splits, 0 for one split."""

    mean: float
    std: float
    splits: int


def inception_score(probability: Tensor, *, splits: int = 1) -> InceptionScore:
    """exp of the mean KL divergence of p(y|x) from their mean p(y), in each of `splits` equal runs of rows.

    The 10 splits of the original paper lower the value where N is small: one split is the least biased.

    Args:
        probability: (N, K) in [0, 1], rows summing to 1.
        splits: parts of nearly equal size; rows left over by the cut go to the last ones.

    Raises:
        DataError: NaN, or fewer rows than splits. ConfigError: rows that are no probabilities.
    """
    if splits < 1:
        raise ConfigError(f"splits={splits} is no number of splits: give 1 or more.")
    check_features(probability, what="Class probabilities", at_least=splits)
    rows = probability.double()
    if bool((rows < 0).any()) or bool(((rows.sum(dim=1) - 1).abs() > 1e-4).any()):
        raise ConfigError("The rows given to inception_score are no probabilities: apply a softmax to logits first.")
    bounds = [i * len(rows) // splits for i in range(splits + 1)]
    scores = torch.stack([_score(rows[a:b]) for a, b in pairwise(bounds)])
    return InceptionScore(float(scores.mean()), float(scores.std(correction=0)), splits)


def _score(rows: Tensor) -> Tensor:
    """exp(H(mean) - mean H): the same as the mean divergence, from sums alone."""
    return (entropy(rows.mean(dim=0)) - entropy(rows).mean()).exp()


def entropy(probability: Tensor) -> Tensor:
    """-sum p log p over the last axis, in nats; 0 log 0 = 0."""
    return -torch.special.xlogy(probability, probability).sum(dim=-1)
