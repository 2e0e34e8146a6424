"""Relativistic pairing loss (Jolicoeur-Martineau 2019; Huang et al. 2024, "The GAN is dead; long live the GAN!", equation 2)."""

from torch import Tensor
from torch.nn.functional import softplus

from sparring.model.loss.base import Loss


class RpGAN(Loss):
    """With f = softplus: D: f(-(D(x) - D(G(z)))); G: f(-(D(G(z)) - D(x)))."""

    pairs = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        if real is None:
            raise ValueError("the relativistic pairing loss needs the logits of real images in the generator's step")
        return softplus(real - fake)
