"""DRAGAN: the gradient's norm is pulled to one around real images (Kodali et al. 2017, "On convergence and stability")."""

from torch import Tensor

from sparring.model.regularizer.base import Regularizer, gradient_norm
from sparring.model.step.views import DiscriminatorView


class DRAGAN(Regularizer):
    """weight * (||grad D(x + d)|| - 1)^2 at real images x, d ~ N(0, c^2 I), c = scale * (standard deviation of x's pixels)."""

    differentiates_twice = lipschitz = True

    def __init__(self, *, weight: float, scale: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.weight, self.scale = weight, scale

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        real, label = view.real.image.detach(), view.real.label
        size = self.scale * real.flatten(1).std(dim=1)[:, None, None, None]
        image = (real + size * view.draws.normal("dragan", *real.shape[1:])).requires_grad_()
        return self.weight * (gradient_norm(image, view.discriminator(image, label)) - 1).square()
