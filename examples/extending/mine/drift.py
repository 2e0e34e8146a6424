"""A regularizer: keeps D's logits of real images near 0 (Karras et al. 2018, "Progressive growing of GANs", appendix A.1)."""

from torch import Tensor

from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorView


class Drift(Regularizer):
    """weight * D(x)^2 per real image, (N,)."""

    def __init__(self, *, weight: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.weight = weight

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        return self.weight * view.real.logits.square()
