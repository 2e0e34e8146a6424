"""Ways of sampling: images for a block of indices, each image a function of (seed, index) alone.

Shape legend: N images, L latent dimensions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.core.randomness import generator as random_generator
from sparring.sampling.latent.truncation import truncated


@dataclass(frozen=True)
class Players:
    """The networks of a run in eval mode, with random draws that belong to one image each.

    Args:
        generator: (latent (N, L), label (N,)) -> (N, C, H, W) in [-1, 1].
        discriminator: (image, label) -> logits (N,), or None where the way of sampling does not need one.
        labels: indices (N,) -> their classes (N,) int64, 0 from an unconditional generator.
        latent_dim: L.
        truncation: threshold that latents are cut at, or None.
        seed: of all draws.
        device: where both networks are.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    labels: Callable[[Tensor], Tensor]
    latent_dim: int
    truncation: float | None
    seed: int
    device: torch.device

    def latents(self, index: Tensor, purpose: str, *, attempt: int = 0) -> Tensor:
        """(N, latent_dim) float32 on the CPU, row by row from (seed, index, purpose, attempt)."""
        normal = self.normal(index, purpose, self.latent_dim, attempt=attempt)
        return normal if self.truncation is None else truncated(normal, self.truncation)

    def normal(self, index: Tensor, purpose: str, *shape: int, attempt: int = 0) -> Tensor:
        """(N, *shape) float32 on the CPU, row by row from (seed, index, purpose, attempt)."""
        rows = [torch.randn(*shape, generator=self._random(purpose, i, attempt)) for i in index.tolist()]
        return torch.stack(rows)

    def uniform(self, index: Tensor, purpose: str, *, attempt: int = 0) -> Tensor:
        """(N,) float32 on the CPU, from (seed, index, purpose, attempt)."""
        return torch.stack([torch.rand((), generator=self._random(purpose, i, attempt)) for i in index.tolist()])

    def draw(self, latent: Tensor, label: Tensor) -> Tensor:
        """Images on `device`."""
        return self.generator(latent.to(self.device), label.to(self.device))

    def logits(self, image: Tensor, label: Tensor) -> Tensor:
        """D's logits, float64 on the CPU."""
        assert self.discriminator is not None
        return self.discriminator(image, label.to(self.device)).cpu().double()

    def _random(self, purpose: str, index: int, attempt: int) -> torch.Generator:
        return random_generator("generate", purpose, self.seed, index, *([attempt] if attempt else []))


class Sampling:
    """Base of the ways of sampling.

    needs_discriminator: whether `Players.discriminator` must be there.
    """

    needs_discriminator = False

    def images(self, players: Players, index: Tensor, latent: Tensor, label: Tensor) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] on the players' device.

        Args:
            players: the networks and their random draws.
            index: (N,) int64, on the CPU.
            latent: (N, L), the latents that plain sampling uses, on the CPU.
            label: (N,) int64, on the CPU.
        """
        raise TypeError(f"{type(self).__name__} must define images(players, index, latent, label)")
