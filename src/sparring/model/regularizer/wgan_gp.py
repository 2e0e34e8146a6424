"""WGAN-GP: the gradient's norm is pulled to one between real and generated images (Gulrajani et al. 2017, equation 3)."""

from torch import Tensor

from sparring.model.regularizer.base import Regularizer, gradient_norm
from sparring.model.step.views import DiscriminatorView


class WGANGP(Regularizer):
    """weight * (||grad D(x)|| - 1)^2 at x = e * real + (1 - e) * fake, e uniform on [0, 1], with the real image's label."""

    differentiates_twice = lipschitz = True

    def __init__(self, *, weight: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.weight = weight

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        share = view.draws.uniform("wgan_gp", 1, 1, 1)
        image = (share * view.real.image + (1 - share) * view.fake.image).detach().requires_grad_()
        return self.weight * (gradient_norm(image, view.discriminator(image, view.real.label)) - 1).square()
