"""What mixup and CutMix share: a partner for every image, and how much of it comes in."""

import numpy as np
import torch
from torch import Tensor

from sparring.errors import ConfigError
from sparring.model.part import Draws
from sparring.randomness import seed_of
from sparring.strategy import gather


def partner(draws: Draws, *tensors: Tensor) -> list[Tensor]:
    """The rows (N, ...) of `tensors` in a random order of the whole batch, over all devices; the same for each."""
    game = draws.game
    order = torch.randperm(game.batch_size, generator=game.random("partner", *draws.key), device=game.device)
    return [gather(tensor)[game.share(order)] for tensor in tensors]


def kept_share(draws: Draws, *, alpha: float, probability: float) -> float:
    """lambda ~ Beta(alpha, alpha) with `probability`, else 1: one number for the whole batch."""
    numbers = np.random.default_rng(seed_of(draws.game.seed, "kept", *draws.key))
    share = float(numbers.beta(alpha, alpha))
    return share if numbers.random() < probability else 1.0


def check_alpha(name: str, alpha: float) -> float:
    if alpha <= 0:
        raise ConfigError(f"model.augmentation.{name}.alpha={alpha} must be above 0.")
    return alpha
