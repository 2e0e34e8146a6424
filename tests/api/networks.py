"""Networks as a user may write them, for images of 1 x 8 x 8."""

import torch
from torch import Tensor, nn


class OwnGenerator(nn.Module):
    """A conditional generator as a user may write one."""

    def __init__(self, latent_dim: int = 8, classes: int = 3, size: int = 8) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, latent_dim)
        self.layers = nn.Sequential(nn.Linear(2 * latent_dim, 16), nn.ReLU(), nn.Linear(16, size**2), nn.Tanh())
        self.size = size

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.layers(torch.cat([z, self.embedding(y)], 1)).view(-1, 1, self.size, self.size)


class OwnDiscriminator(nn.Module):
    """Features of an image."""

    def __init__(self, features: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, features), nn.LeakyReLU(0.2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
