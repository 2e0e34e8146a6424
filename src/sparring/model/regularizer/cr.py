"""Consistency regularization (Zhang et al. 2020, "Consistency regularization for GANs")."""

from torch import Tensor

from sparring.model.regularizer.base import Regularizer
from sparring.model.regularizer.shared.consistency import Change, disagreement
from sparring.model.step.views import DiscriminatorView


class ConsistencyRegularization(Regularizer):
    """weight * (D(x) - D(T(x)))^2 at real images x, T a random flip and shift.

    Args:
        flip: whether T mirrors half of the images. shift: largest shift, as a share of the image's side (4 of 32 pixels).
    """

    def __init__(self, *, weight: float, flip: bool, shift: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.weight, self.change = weight, Change(flip=flip, shift=shift)

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        return self.weight * disagreement(view.discriminator, view.real, self.change, view.draws.of("cr", "real"))
