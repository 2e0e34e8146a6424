"""Histograms of weights and gradients under the names that `wandb.watch` gives them.

`wandb.watch` itself writes into the one global run of a process, and counts forward passes, of which a step has several.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError

WAYS = ("gradients", "parameters", "all")
BINS = 64

Counts = tuple[Tensor, Tensor]  # (BINS,) counts and (BINS + 1,) edges, on the CPU


class Watched:
    """What W&B is shown of networks beside the scalars.

    Args:
        networks: by player, so that a histogram is called `gradients/generator.first.weight`.
        way: one of WAYS.
        every: backward passes between two histograms of a tensor's gradient, of which the newest is shown.
    """

    def __init__(self, networks: Mapping[str, nn.Module], *, way: str, every: int) -> None:
        self._weights: dict[str, nn.Parameter] = {}
        self._gradients: dict[str, Counts] = {}
        for player, network in networks.items():
            for name, weight in network.named_parameters():
                if way in ("parameters", "all"):
                    self._weights[f"{player}.{name}"] = weight
                if way in ("gradients", "all") and weight.requires_grad:
                    weight.register_post_accumulate_grad_hook(self._hook(f"{player}.{name}", every))

    def histograms(self) -> dict[str, Any]:
        """Those of the weights as they are, and of the gradients that came since the last call."""
        import wandb

        found = {f"gradients/{name}": counts for name, counts in self._gradients.items()}
        found |= {f"parameters/{name}": each for name, weight in self._weights.items() if (each := histogram(weight))}
        self._gradients.clear()
        return {
            name: wandb.Histogram(np_histogram=(counts.numpy(), edges.numpy()))
            for name, (counts, edges) in found.items()
        }

    def _hook(self, name: str, every: int) -> Callable[[Tensor], None]:
        passes = 0

        def remember(weight: Tensor) -> None:
            nonlocal passes
            passes += 1
            if passes % every == 0 and weight.grad is not None and (counts := histogram(weight.grad)):
                self._gradients[name] = counts

        return remember


def histogram(values: Tensor) -> Counts | None:
    """Of all values; None where one is not finite."""
    flat = values.detach().float().flatten().cpu()
    if not len(flat) or not bool(flat.isfinite().all()):
        return None
    low, high = float(flat.min()), float(flat.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return torch.histc(flat, BINS, low, high), torch.linspace(low, high, BINS + 1)


def check_watch(way: str | None, every: int) -> None:
    """Raises ConfigError: no such way, or no number of passes."""
    if way is not None and way not in WAYS:
        raise ConfigError(f"logger.wandb.watch={way} is unknown: give {', '.join(WAYS)}, or null for none.")
    if every < 1:
        raise ConfigError(f"logger.wandb.watch_every={every} counts backward passes: give 1 or more.")
