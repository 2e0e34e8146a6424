"""Balanced consistency regularization (Zhao et al. 2021, "Improved consistency regularization for GANs", section 3.1)."""

from torch import Tensor

from sparring.model.regularizer.base import Regularizer
from sparring.model.regularizer.shared.consistency import Change, disagreement
from sparring.model.step.views import DiscriminatorView


class BalancedConsistency(Regularizer):
    """real_weight * (D(x) - D(T(x)))^2 + fake_weight * (D(G(z)) - D(T(G(z))))^2, T a random flip and shift.

    Args:
        flip, shift: of T, as of `ConsistencyRegularization`.
    """

    def __init__(self, *, real_weight: float, fake_weight: float, flip: bool, shift: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.real_weight, self.fake_weight = real_weight, fake_weight
        self.change = Change(flip=flip, shift=shift)

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        real = disagreement(view.discriminator, view.real, self.change, view.draws.of("bcr", "real"))
        fake = disagreement(view.discriminator, view.fake, self.change, view.draws.of("bcr", "fake"))
        return self.real_weight * real + self.fake_weight * fake
