"""Which statistics a generator's BatchNorm uses when it draws."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from sparring.core.errors import ConfigError
from sparring.sampling.base import Players

Statistics = Literal["running", "batch", "standing"]
BATCHES, ROWS = 64, 64  # of latents, for standing statistics


def choose_statistics(network: nn.Module, statistics: Statistics, players: Players) -> None:
    """Change the BatchNorm layers of `network`, the generator of `players`, in place.

    Args:
        network: in eval mode.
        statistics: "running": those that training kept. "batch": those of each block of images that are drawn together.
            "standing": means over 64 batches of 64 latents and classes, drawn and truncated as for the images (Brock et al.
            2019, "standing statistics", appendix B), since those kept by an averaged generator are not those of its weights.
        players: draws the latents.

    Raises:
        ConfigError: an unknown name, or a network without BatchNorm.
    """
    if statistics not in get_args(Statistics):
        raise ConfigError(f"bn={statistics} is unknown; give one of {', '.join(get_args(Statistics))}.")
    if statistics == "running":
        return
    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    if not norms:
        raise ConfigError(
            f"bn={statistics} asks for other statistics, but {type(network).__name__} has no BatchNorm; set bn=running."
        )
    if statistics == "batch":
        for norm in norms:  # torch takes the batch's where there are none
            norm.running_mean = norm.running_var = None
        return
    _average_over_draws(norms, players)


@torch.no_grad()
def _average_over_draws(norms: Sequence[BatchNorm], players: Players) -> None:
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
        norm.train()
    for batch in range(BATCHES):
        index = torch.arange(batch * ROWS, (batch + 1) * ROWS)
        players.draw(players.latents(index, "standing statistics"), players.labels(index))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
