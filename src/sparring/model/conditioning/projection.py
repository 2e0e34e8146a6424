"""Class embedding beside the latent in G; projection in D (Miyato and Koyama 2018, equation 4)."""

import torch
from torch import Tensor, nn

from sparring.model.conditioning.base import Code


class Projection:
    """G sees [latent, embedding(label)]; D's logit is linear(h) + <embedding(label), h>."""

    conditional = True

    def __init__(self, *, num_classes: int, embedding_dim: int) -> None:
        self.num_classes = num_classes
        self.embedding_dim = embedding_dim

    def code(self, latent_dim: int) -> Code:
        return _Concat(latent_dim, self.num_classes, self.embedding_dim)

    def head(self, features: int) -> nn.Module:
        return _ProjectionHead(features, self.num_classes)


class _Concat(Code):
    def __init__(self, latent_dim: int, num_classes: int, embedding_dim: int) -> None:
        super().__init__()
        self.features = latent_dim + embedding_dim
        self.embedding = nn.Embedding(num_classes, embedding_dim)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.cat([latent, self.embedding(label)], dim=1)


class _ProjectionHead(nn.Module):
    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.embedding = nn.Embedding(num_classes, features)
        # So that the two terms of the logit start at comparable scales, whatever the number of features.
        nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        return self.linear(features).squeeze(1) + (self.embedding(label) * features).sum(1)
