"""WGAN-GP: the gradient's norm is pulled to one between real and generated images (Gulrajani et al. 2017, equation 3)."""

from torch import Tensor

from sparring.model.regularizer.base import Where, check_interval, squared_gradient_norm


class WGANGP:
    """weight * (||grad D(x)|| - 1)^2 at x = e * real + (1 - e) * fake, e uniform on [0, 1]."""

    where: Where = "between"

    def __init__(self, *, weight: float, interval: int) -> None:
        self.weight = weight
        self.interval = check_interval(interval)

    def __call__(self, images: Tensor, logits: Tensor) -> Tensor:
        # The slope of sqrt is infinite at 0, where a fresh ReLU network may well be.
        norm = (squared_gradient_norm(images, logits) + 1e-12).sqrt()
        return self.weight * (norm - 1).square()
