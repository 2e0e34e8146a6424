"""Data-to-data cross-entropy (Kang et al. 2021, ReACGAN, section 3.2)."""

import torch
from torch import Tensor
from torch.nn.functional import relu

from sparring.model.head.base import Head
from sparring.model.head.shared.contrastive import ContrastiveHead, Others


class DataToData:
    """Embeddings are attracted by their class's proxy and repelled by images of other classes, except for easy pairs.

    With a = min(<x, proxy> - margin, 0) / temperature, and b_k = max(<x, x_k> - (1 - margin), 0) / temperature over the images
    x_k of other classes: -log(e^a / (e^a + sum_k e^b_k)).

    Args:
        embedding_dim: of images and proxies. margin, temperature: m and tau of the paper.
        d_weight: of the loss of real images in D's loss. g_weight: of that of generated images in G's loss.
    """

    conditional = True

    def __init__(
        self,
        *,
        num_classes: int,
        embedding_dim: int,
        margin: float,
        temperature: float,
        d_weight: float,
        g_weight: float,
    ) -> None:
        self.num_classes, self.embedding_dim = num_classes, embedding_dim
        self.d_weight, self.g_weight = d_weight, g_weight
        self.margin, self.temperature = margin, temperature

    def make(self, features: int) -> Head:
        return _DataToData(features, self)


class _DataToData(ContrastiveHead):
    def __init__(self, features: int, leaf: DataToData) -> None:
        super().__init__(features, leaf)
        self.margin, self.temperature = leaf.margin, leaf.temperature

    def contrast(self, own: Tensor, proxy: Tensor, other: Others) -> Tensor:
        attraction = -relu(self.margin - (own * proxy).sum(dim=1, keepdim=True)) / self.temperature
        repulsion = relu(other.similarity - (1 - self.margin)) / self.temperature
        strangers = repulsion.masked_fill(~other.stranger, -torch.inf)
        return torch.logsumexp(torch.cat([attraction, strangers], dim=1), dim=1) - attraction.squeeze(1)
