"""AdvGAN as an attack (Xiao et al. 2018): one pass through a trained perturbation generator, no query of the classifier."""

import copy
from typing import Self

from torch import Tensor, nn

from sparring.attack.base import Attack
from sparring.attack.math.norm_ball import Ball
from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text


class AdvGANAttack(Attack):
    """x + radius * P(x), projected onto the ball, with the perturbation generator P of a run of `model=advgan`.

    At another epsilon than P was trained with, its perturbation is scaled; `remark` then says so.

    Args:
        norm: "linf". run: run directory; its network P is handed over by `attach`.
    """

    needs_gradient = False

    def __init__(self, *, norm: str, epsilon: float | str, run: str) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        if self.norm != "linf":
            raise ConfigError(
                f"attack=advgan perturbs every pixel by up to epsilon and knows no norm={norm}; give linf."
            )
        self.run = run
        self.perturber: nn.Module | None = None
        self.trained_at = self.epsilon

    def attach(self, perturber: nn.Module, *, trained_at: float) -> Self:
        """The same attack with P: image (N, C, H, W) in [-1, 1] -> the same shape in [-1, 1]; trained_at: its epsilon."""
        other = copy.copy(self)
        other.perturber, other.trained_at = perturber, trained_at
        return other

    def check(self, model: nn.Module) -> None:
        if self.perturber is None:
            raise ConfigError(
                f"attack=advgan needs the perturbation generator of run={self.run}, and it was not loaded."
            )

    def remark(self) -> str | None:
        if abs(self.epsilon - self.trained_at) < 1e-9:
            return None
        return (
            f"The perturber of {self.run} was trained at epsilon {epsilon_text(self.trained_at)}; at "
            f"{epsilon_text(self.epsilon)} its perturbation is scaled, which is weaker than one trained there."
        )

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        assert self.perturber is not None
        return perturbed(self.perturber, allowed)


def perturbed(perturber: nn.Module, allowed: Ball) -> Tensor:
    """Images (N, C, H, W) within the ball around `allowed.image`, with their graph back to the perturber."""
    return allowed.project(allowed.image + allowed.radius * perturber(allowed.image))
