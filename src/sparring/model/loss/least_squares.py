"""Least squares (Mao et al. 2017, equation 9: targets 1 for real and 0 for generated images)."""

from torch import Tensor

from sparring.model.loss.base import Loss


class LeastSquares(Loss):
    """D: (D(x) - 1)^2 / 2 + D(G(z))^2 / 2; G: (D(G(z)) - 1)^2 / 2."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square() + fake.square()) / 2

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return (fake - 1).square() / 2
