"""A class embedding joined to the latent (Mirza and Osindero 2014)."""

import torch
from torch import Tensor, nn

from sparring.model.conditioning.base import Conditioning


class Concat:
    """The first layer gets [latent, embedding(label)], the embedding of `embedding_dim` numbers."""

    conditional = True

    def __init__(self, *, num_classes: int, embedding_dim: int) -> None:
        self.num_classes, self.embedding_dim = num_classes, embedding_dim

    def make(self, latent_dim: int) -> Conditioning:
        return _Concat(latent_dim, self.num_classes, self.embedding_dim)


class _Concat(Conditioning):
    def __init__(self, latent_dim: int, num_classes: int, embedding_dim: int) -> None:
        super().__init__()
        self.features = latent_dim + embedding_dim
        self.embedding = nn.Embedding(num_classes, embedding_dim)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.cat([latent, self.embedding(label)], dim=1)
