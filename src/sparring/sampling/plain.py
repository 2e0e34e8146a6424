"""One latent, one image."""

import torch
from torch import Tensor

from sparring.sampling.base import Players, Sampling


class PlainSampling(Sampling):
    @torch.no_grad()
    def images(self, players: Players, index: Tensor, latent: Tensor, label: Tensor) -> Tensor:
        return players.draw(latent, label)
