"""FGSM: one step to the edge of the ball (Goodfellow et al. 2015, equation in section 4)."""

from typing import Self

from torch import Tensor, nn

from sparring.attack.base import Attack, input_gradient
from sparring.attack.math.norm_ball import Ball
from sparring.attack.math.objective import LOSSES, check_classes, check_loss, untargeted


class FGSM(Attack):
    """image + epsilon * sign(gradient); in L2 along the gradient (the fast gradient method). Costs one gradient.

    Args:
        loss: cross_entropy, margin or dlr.
    """

    def __init__(self, *, norm: str, epsilon: float | str, loss: str) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        self.loss = check_loss(loss, LOSSES)

    def for_classes(self, count: int) -> Self:
        check_classes(self.loss, count)
        return self

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        _, _, gradient = input_gradient(model, allowed.image, label, untargeted(self.loss))
        return allowed.project(allowed.image + allowed.radius * allowed.steepest(gradient))
