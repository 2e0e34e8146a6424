"""StyleGAN2-ADA's conditioning: a class embedding joined to the latent before the mapping network (Karras et al. 2020)."""

import torch
from torch import Tensor, nn

from sparring.model.conditioning.base import Conditioning
from sparring.model.layer.style import unit_mean_square


class Style:
    """The first layer sees [latent, embedding(label)], the latent scaled to mean square 1, the embedding to a norm of
    `strength` times the latent's.

    Karras et al. 2020, "Training generative adversarial networks with limited data", appendix D. Made for
    `generator=stylegan2`, whose first layer is the mapping network; other generators take it too.

    strength: 1 in the paper: the label makes half of the first layer's variance.
    """

    conditional = True

    def __init__(self, *, num_classes: int, embedding_dim: int, strength: float) -> None:
        self.num_classes, self.embedding_dim, self.strength = num_classes, embedding_dim, strength

    def make(self, latent_dim: int) -> Conditioning:
        return _Style(latent_dim, self)


class _Style(Conditioning):
    blind_to_length = True

    def __init__(self, latent_dim: int, settings: Style) -> None:
        super().__init__()
        self.features = latent_dim + settings.embedding_dim
        self.scale = settings.strength * (latent_dim / settings.embedding_dim) ** 0.5
        self.embedding = nn.Embedding(settings.num_classes, settings.embedding_dim)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        embedded = self.scale * unit_mean_square(self.embedding(label))
        return torch.cat([unit_mean_square(latent), embedded], dim=1)
