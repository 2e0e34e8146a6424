"""Transfer: adversarial images made with the gradients of another classifier (Papernot et al. 2016)."""

import copy
from typing import Self

from torch import Tensor, nn

from sparring.attack.base import Attack
from sparring.attack.math.norm_ball import Ball
from sparring.core.errors import ConfigError
from sparring.core.modules import frozen_eval


class Transfer(Attack):
    """The adversarial images of `attack` on a source classifier. This model is never queried, so it need not be differentiable.

    Args:
        run: run directory of the source classifier; its network is handed over by `attach`.
        attack: the attack on it; it must have the same norm, and is run at this attack's epsilon.
    """

    needs_gradient = False

    def __init__(self, *, norm: str, epsilon: float | str, run: str, attack: Attack) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        if attack.norm != self.norm:
            raise ConfigError(f"attack.norm={attack.norm} differs from norm={self.norm}; give both the same.")
        self.run, self.attack = run, attack.at(self.epsilon)
        self.source: nn.Module | None = None

    def attach(self, source: nn.Module) -> Self:
        """The same attack with the source classifier: images (N, C, H, W) in [-1, 1] -> logits (N, K)."""
        other = copy.copy(self)
        other.source = source
        return other

    def check(self, model: nn.Module) -> None:
        if self.source is None:
            raise ConfigError(f"attack=transfer needs the classifier of run={self.run}, and it was not loaded.")
        self.attack.check(self.source)

    def for_classes(self, count: int) -> Self:
        other = copy.copy(self)
        other.attack = self.attack.for_classes(count)
        return other

    def at(self, epsilon: float | str) -> Self:
        other = super().at(epsilon)
        other.attack = self.attack.at(epsilon)
        return other

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        assert self.source is not None
        with frozen_eval(self.source):
            return self.attack.perturb(self.source, allowed, label, index, seed)
