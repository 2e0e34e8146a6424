"""R2: gradient penalty at generated images (Mescheder et al. 2018, equation 10)."""

from torch import Tensor

from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorView


class R2(Regularizer):
    """gamma / 2 * ||grad D(x)||^2 at generated images x, as D sees them (augmented)."""

    gradients_at = frozenset({"fake"})
    differentiates_twice = lipschitz = True

    def __init__(self, *, gamma: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.gamma = gamma

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        return self.gamma / 2 * view.squared_gradient_norm("fake")
