"""Conditional contrastive head, 2C (Kang and Park 2020, ContraGAN, section 3.2)."""

import torch
from torch import Tensor

from sparring.model.head.base import Head
from sparring.model.head.shared.contrastive import ContrastiveHead, Others


class Contrastive:
    """Embeddings are attracted by their class's proxy and images of their class, and repelled by other images of the batch.

    With inner products over `temperature` in the exponent, p for the proxy's, f for images of the class, o for all other images:
    -log((e^p + sum e^f) / (e^p + sum e^o)).

    Args:
        embedding_dim: of images and proxies. temperature: above 0.
        d_weight: of the loss of real images in D's loss. g_weight: of that of generated images in G's loss.
    """

    conditional = True

    def __init__(
        self, *, num_classes: int, embedding_dim: int, temperature: float, d_weight: float, g_weight: float
    ) -> None:
        self.num_classes, self.embedding_dim = num_classes, embedding_dim
        self.d_weight, self.g_weight = d_weight, g_weight
        self.temperature = temperature

    def make(self, features: int) -> Head:
        return _Contrastive(features, self)


class _Contrastive(ContrastiveHead):
    def __init__(self, features: int, leaf: Contrastive) -> None:
        super().__init__(features, leaf)
        self.temperature = leaf.temperature

    def contrast(self, own: Tensor, proxy: Tensor, other: Others) -> Tensor:
        attraction = (own * proxy).sum(dim=1, keepdim=True) / self.temperature
        similarity = other.similarity / self.temperature
        friends = similarity.masked_fill(~other.friend, -torch.inf)
        everyone = similarity.masked_fill(~(other.friend | other.stranger), -torch.inf)
        return torch.logsumexp(torch.cat([attraction, everyone], dim=1), dim=1) - torch.logsumexp(
            torch.cat([attraction, friends], dim=1), dim=1
        )
