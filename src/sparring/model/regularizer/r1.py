"""R1: gradient penalty at real images (Mescheder et al. 2018, equation 9)."""

from torch import Tensor

from sparring.model.regularizer.base import Where, check_interval, squared_gradient_norm


class R1:
    """gamma / 2 * ||grad D(x)||^2 at real images x."""

    where: Where = "real"

    def __init__(self, *, gamma: float, interval: int) -> None:
        self.gamma = gamma
        self.interval = check_interval(interval)

    def __call__(self, images: Tensor, logits: Tensor) -> Tensor:
        return self.gamma / 2 * squared_gradient_norm(images, logits)
