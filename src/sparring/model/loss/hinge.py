"""Hinge loss (Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018, equations 16 and 17)."""

from torch import Tensor
from torch.nn.functional import relu

from sparring.model.loss.base import Loss


class Hinge(Loss):
    """D: max(0, 1 - D(x)) + max(0, 1 + D(G(z))); G: -D(G(z))."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real) + relu(1 + fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake
