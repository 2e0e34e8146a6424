"""Random signs: the baseline of every attack, of the same strength and without access to the classifier."""

from torch import Tensor, nn

from sparring.attack.base import Attack
from sparring.attack.math.norm_ball import Ball, length
from sparring.core.randomness import uniform


class Noise(Attack):
    """The image plus radius * s with s = +-1 per pixel (linf), or plus radius * s / ||s|| (l2); then the pixel range."""

    needs_gradient = False

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        sign = uniform(allowed.image, "noise", seed, index=index).sub_(0.5).sign_()
        size = 1.0 if self.norm == "linf" else length(sign)
        return allowed.image + allowed.radius * sign / size
