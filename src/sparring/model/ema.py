"""Exponential moving average of the generator's weights (Karras et al. 2018, section 3 and StyleGAN2-ADA's ramp-up)."""

import copy
from typing import TypeVar

import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.core.sharding import divide_like, stored

Network = TypeVar("Network", bound=nn.Module)


class EMA:
    """Half-life and ramp-up of an average, counted in images instead of steps, so that the batch size does not matter.

    Args:
        half_life: images after which a weight's share in the average has halved.
        ramp_up: the half-life is at most this share of the images seen so far, so that the poor early weights are
            forgotten quickly; None switches the ramp-up off.
        start: images before which the average is a copy of the weights.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(self, *, half_life: float, ramp_up: float | None, start: float = 0) -> None:
        if half_life <= 0 or (ramp_up is not None and ramp_up <= 0) or start < 0:
            raise ConfigError(
                f"an average (ema) has half_life={half_life}, ramp_up={ramp_up} and start={start}; give a half-life above 0, a "
                "share of the images above 0 or null, and images from 0 on."
            )
        self.half_life = half_life
        self.ramp_up = ramp_up
        self.start = start

    def decay(self, *, images: int, images_seen: int, stretch: float = 1.0) -> float:
        """Weight [0, 1] of the old average after `images` more images, with `images_seen` before them.

        Args:
            stretch: factor on the half-life, from a schedule.
        """
        if images_seen < self.start:
            return 0.0
        half_life = self.half_life * stretch
        if self.ramp_up is not None:
            half_life = min(half_life, images_seen * self.ramp_up)
        return 0.5 ** (images / half_life) if half_life > 0 else 0.0

    @staticmethod
    def copy_of(network: Network) -> Network:
        """A frozen copy in eval mode to average into."""
        return copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(
        self, average: nn.Module, network: nn.Module, *, images: int, images_seen: int, stretch: float = 1.0
    ) -> None:
        """Move `average` towards `network`. Buffers (BatchNorm's statistics) are averages already and are copied."""
        weight = 1.0 - self.decay(images=images, images_seen=images_seen, stretch=stretch)
        divide_like(average, network)
        torch._foreach_lerp_(stored(average), stored(network), weight)
        if buffers := list(average.buffers()):
            torch._foreach_copy_(buffers, list(network.buffers()))
