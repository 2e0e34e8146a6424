"""Latent consistency regularization (Zhao et al. 2021, "Improved consistency regularization for GANs", section 3.2)."""

import torch
from torch import Tensor

from sparring.model.regularizer.base import Regularizer
from sparring.model.regularizer.shared.consistency import nearby, squared_distance
from sparring.model.step.views import DiscriminatorView, GeneratorView


class LatentConsistency(Regularizer):
    """With z' = z + n, n ~ N(0, sigma^2 I): D's logits of G(z) and G(z') should be equal, the two images different.

    D: d_weight * (D(G(z)) - D(G(z')))^2. G: -g_weight * mean over pixels of (G(z) - G(z'))^2.
    """

    terms = frozenset({"discriminator", "generator"})
    latents = True

    def __init__(self, *, d_weight: float, g_weight: float, sigma: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.d_weight, self.g_weight, self.sigma = d_weight, g_weight, sigma

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        label = view.fake.label
        with torch.no_grad():
            image = view.augment(view.generator(nearby(view.latent, self.sigma, view.draws), label))
        return self.d_weight * (view.fake.logits - view.discriminator(image, label)).square()

    def generator(self, view: GeneratorView) -> Tensor:
        moved = view.generator(nearby(view.latent, self.sigma, view.draws), view.fake.label)
        return -self.g_weight * squared_distance(view.generated, moved)
