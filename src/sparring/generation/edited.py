"""Images whose latents are changed before they are drawn: part of the way to other latents, and along named directions."""

from dataclasses import replace

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.generation.walk import between
from sparring.sampling.base import Players, Sampling


class EditedSampling(Sampling):
    """One pass through the generator, from codes that are `share` of the way to those of another seed, and moved by `step`.

    A code is the latent, or the style where the generator has styles; truncation comes first.

    Args:
        toward: seed whose latent of the same index is the other end; None: none.
        share: of the way to it, from 0 to 1.
        step: (S,) added to every code, on the device; None: nothing.

    Raises:
        ConfigError: a seed that is no whole number, or a share outside of 0 to 1.
    """

    def __init__(self, *, toward: int | None, share: float, step: Tensor | None) -> None:
        if toward is not None and (isinstance(toward, bool) or not isinstance(toward, int)):
            raise ConfigError(f"toward={toward} is no seed; give a whole number, or null.")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ConfigError(f"share={share} is no share of the way; give a number from 0 to 1.")
        self.toward, self.share, self.step = toward, float(share), step

    @torch.no_grad()
    def images(self, players: Players, index: Tensor, latent: Tensor, label: Tensor) -> Tensor:
        latent, label = latent.to(players.device), label.to(players.device)
        other = latent
        if self.toward is not None:
            other = replace(players, seed=self.toward).latents(index, "latent").to(players.device)
        return between(players.generator, (latent, label), (other, label), self.share, step=self.step)
