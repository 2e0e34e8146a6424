"""Plain sampling: one latent, one image."""

import torch
from torch import Tensor

from sparring.sampling.base import Players, Sampling


class PlainSampling(Sampling):
    """One pass through the generator."""

    @torch.no_grad()
    def images(self, players: Players, index: Tensor, latent: Tensor, label: Tensor) -> Tensor:
        return players.draw(latent, label)
