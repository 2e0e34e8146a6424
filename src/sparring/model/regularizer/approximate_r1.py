"""R1 by finite differences, without a second derivative (Lin et al. 2025, "Diffusion adversarial post-training")."""

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorView


class ApproximateR1(Regularizer):
    """gamma / 2 * (D(x + sigma n) - D(x))^2 / sigma^2 at real images x, n standard normal.

    For small sigma its mean over n is gamma / 2 * ||grad D(x)||^2, so gamma has the meaning that it has in `r1`; a single n
    makes it noisier. It needs no second backward pass and thus works with bf16, compiled networks and sharding.

    Args:
        gamma: strength; the paper's weight is lambda = gamma / (2 sigma^2). sigma: size of the step in images in [-1, 1].

    Raises:
        ConfigError: sigma is not above 0.
    """

    lipschitz = True

    def __init__(self, *, gamma: float, sigma: float, interval: int) -> None:
        super().__init__(interval=interval)
        if not sigma > 0:
            raise ConfigError(
                f"model.regularizer.approximate_r1.sigma={sigma} is the size of a step and must be above 0."
            )
        self.gamma, self.sigma = gamma, sigma

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        image, label, _, logits = view.real
        noise = view.draws.normal("approximate_r1", *image.shape[1:])
        moved = view.discriminator(image.detach() + self.sigma * noise, label)
        return self.gamma / 2 * ((moved - logits) / self.sigma).square()
