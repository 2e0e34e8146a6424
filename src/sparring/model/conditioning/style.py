"""StyleGAN2-ADA's conditioning: a class embedding joined to the latent before the mapping network (Karras et al. 2020)."""

import torch
from torch import Tensor, nn

from sparring.model.conditioning.base import Conditioning
from sparring.model.layer.style import unit_mean_square


class Style:
    """The first layer gets [latent, embedding(label)], each scaled to mean square 1.

    Karras et al. 2020, "Training generative adversarial networks with limited data", appendix D. Made for
    `generator=stylegan2`, whose first layer is the mapping network; other generators take it too.

    Args:
        embedding_dim: of the class embedding.
    """

    conditional = True

    def __init__(self, *, num_classes: int, embedding_dim: int) -> None:
        self.num_classes, self.embedding_dim = num_classes, embedding_dim

    def make(self, latent_dim: int) -> Conditioning:
        return _Style(latent_dim, self.num_classes, self.embedding_dim)


class _Style(Conditioning):
    blind_to_length = True

    def __init__(self, latent_dim: int, num_classes: int, embedding_dim: int) -> None:
        super().__init__()
        self.features = latent_dim + embedding_dim
        self.embedding = nn.Embedding(num_classes, embedding_dim)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.cat([unit_mean_square(latent), unit_mean_square(self.embedding(label))], dim=1)
