"""Shared by mixup and CutMix: a partner for every image, and its weight."""

import numpy as np
from torch import Tensor

from sparring.core.distributed import gather
from sparring.core.errors import ConfigError
from sparring.core.randomness import seed_of
from sparring.model.step.draws import Draws


def partner(draws: Draws, *tensors: Tensor) -> list[Tensor]:
    """The rows (N, ...) of each of `tensors` in the same random order of the whole batch, over all devices."""
    own = draws.share(draws.permutation("partner"))
    return [gather(tensor)[own] for tensor in tensors]


def kept_share(draws: Draws, *, alpha: float, probability: float) -> float:
    """lambda ~ Beta(alpha, alpha) with `probability`, else 1; one number for the whole batch."""
    numbers = np.random.default_rng(seed_of(draws.seed, "kept", *draws.key))
    share = float(numbers.beta(alpha, alpha))
    return share if numbers.random() < probability else 1.0


def check_alpha(name: str, alpha: float) -> float:
    """`alpha` if it is above 0. name: of the transform. Raises ConfigError."""
    if alpha <= 0:
        raise ConfigError(f"model.transform.{name}.alpha={alpha} must be above 0.")
    return alpha
