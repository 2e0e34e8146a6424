"""Wasserstein loss (Arjovsky et al. 2017, equations 2 and 3)."""

from torch import Tensor

from sparring.model.loss.base import Loss


class Wasserstein(Loss):
    """D (the critic): D(G(z)) - D(x); G: -D(G(z)). D must be Lipschitz: by a penalty, clipped weights or spectral norm.

    -mean(D's loss) estimates the Wasserstein distance up to D's Lipschitz constant.
    """

    bounded = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake
