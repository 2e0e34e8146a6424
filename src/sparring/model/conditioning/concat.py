"""The class beside the latent (Mirza and Osindero 2014)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.model.conditioning.base import Conditioning


class Concat:
    """The first layer sees [latent, class].

    embedding_dim: 0: the class is a one-hot vector; otherwise a learned embedding of so many numbers, of norm about 1 at the
        start. Either way the label makes 1 / (latent_dim + 1) of the first layer's variance at initialisation; an embedding
        of N(0, 1) as long as the latent makes half of it, a shortcut to one image per class. An embedding learns the
        classes in fewer iterations, since every one of its numbers moves by the learning rate; `model=dragan` collapses by it.
    embedding_std: of the embedding's numbers at the start; None: embedding_dim^(-1/2), which makes the norm about 1.
    """

    conditional = True

    def __init__(self, *, num_classes: int, embedding_dim: int, embedding_std: float | None = None) -> None:
        self.num_classes, self.embedding_dim, self.embedding_std = num_classes, embedding_dim, embedding_std

    def make(self, latent_dim: int) -> Conditioning:
        if self.embedding_dim:
            return _Embedded(latent_dim, self.num_classes, self.embedding_dim, self.embedding_std)
        return _OneHot(latent_dim, self.num_classes)


class _OneHot(Conditioning):
    def __init__(self, latent_dim: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes, self.features = num_classes, latent_dim + num_classes

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.cat([latent, one_hot(label, self.num_classes).to(latent.dtype)], dim=1)


class _Embedded(Conditioning):
    def __init__(self, latent_dim: int, num_classes: int, embedding_dim: int, std: float | None) -> None:
        super().__init__()
        self.features = latent_dim + embedding_dim
        self.embedding = nn.Embedding(num_classes, embedding_dim)
        nn.init.normal_(self.embedding.weight, std=embedding_dim**-0.5 if std is None else std)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.cat([latent, self.embedding(label)], dim=1)
