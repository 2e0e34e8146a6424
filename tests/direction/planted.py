"""A generator in which one latent number moves the brightness, and a classifier that sees it."""

import torch
from torch import Tensor, nn

from sparring.direction.shared.space import Space

FACTOR = 3  # the number of the latent that moves the brightness


class Planted(nn.Module):
    """latent (N, 6), label (N,) -> images (N, 1, 4, 4): a linear layer, a squashing one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.unused = nn.Embedding(2, 3)
        self.first = nn.Linear(6 + 2, 16)
        with torch.no_grad():
            self.first.weight.mul_(0.1)
            self.first.weight[:, FACTOR] = 0.5

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        self.unused(label)
        one_hot = nn.functional.one_hot(label, 2).to(latent.dtype)
        return self.first(torch.cat([latent, one_hot], 1)).tanh().view(-1, 1, 4, 4)


def brightness(image: Tensor) -> Tensor:
    """Logits (N, 2) of "bright" and "dark"."""
    mean = image.mean((1, 2, 3))
    return torch.stack([mean, -mean], 1)


def planted_space(label: int | None = None, *, classifier: bool = True) -> Space:
    network = Planted().eval().requires_grad_(False)
    logits = brightness if classifier else None
    return Space(network, 6, 2, label, logits, False, torch.device("cpu"), ("bright", "dark") if classifier else ())
