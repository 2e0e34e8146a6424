"""Truncation: more typical and less diverse images, by latents (BigGAN) or by styles (StyleGAN)."""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.randomness import generator as random_generator
from sparring.model.layer.pixel_noise import seeds_of

DRAWS = 4096  # latents of a class's mean style


def truncated(normal: Tensor, threshold: float) -> Tensor:
    """Standard normal draws -> draws of the normal truncated at +-threshold, by the inverse of its distribution function.

    The same distribution as drawing again until |z| <= threshold (Brock et al. 2019, section 3.1), at a cost that does not
    depend on the threshold. Monotone in each coordinate, so image i keeps its character while the threshold moves it
    towards the mean.

    Args:
        normal: any shape.
        threshold: above 0.
    """
    low = torch.special.ndtr(torch.tensor(-threshold, dtype=torch.float64))
    quantile = low + torch.special.ndtr(normal.double()) * (1.0 - 2.0 * low)
    return torch.special.ndtri(quantile).clamp_(-threshold, threshold).float()


class TruncatedStyles(nn.Module):
    """A StyleGAN2 generator whose styles w become mean + psi * (w - mean) (Karras et al. 2019, appendix B).

    It scales latents to one length, so that truncating them would change nothing. The mean is of the class's styles, over
    4096 latents that belong to no image.

    Shapes: latent (N, latent_dim), label (N,) -> images (N, C, H, W).

    Args:
        generator: with `style(latent, label)` and `synthesis(styles, seeds)`.
        psi: 1 changes nothing, 0 gives the mean.
        latent_dim: size of its latents.
    """

    def __init__(self, generator: Any, psi: float, *, latent_dim: int) -> None:
        super().__init__()
        self.generator, self.psi, self.latent_dim = generator, psi, latent_dim
        self._means: dict[int, Tensor] = {}

    def style(self, latent: Tensor, label: Tensor) -> Tensor:
        """Latents (N, L) and classes (N,) -> truncated styles (N, S)."""
        mean = torch.stack([self._mean(k, latent) for k in label.tolist()])
        return mean.lerp(self.generator.style(latent, label), self.psi)

    def synthesis(self, style: Tensor, seeds: Tensor) -> Tensor:
        """As of the generator."""
        return self.generator.synthesis(style, seeds)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.synthesis(self.style(latent, label), seeds_of(latent))

    @torch.no_grad()
    def _mean(self, label: int, like: Tensor) -> Tensor:
        if label not in self._means:
            normal = torch.randn(DRAWS, self.latent_dim, generator=random_generator("mean style", label)).to(like)
            labels = torch.full((DRAWS,), label, dtype=torch.int64, device=like.device)
            self._means[label] = self.generator.style(normal, labels).mean(dim=0)
        return self._means[label]


def with_truncation(
    generator: nn.Module, truncation: float | None, *, latent_dim: int
) -> tuple[nn.Module, float | None]:
    """(the network to draw with, the threshold to truncate its latents at or None).

    Args:
        generator: whose styles are truncated where it has any, else its latents.
        truncation: threshold or psi, above 0; None: neither.
        latent_dim: size of its latents.

    Raises:
        ConfigError: no number above 0, or a generator that ignores the length of latents and has no styles.
    """
    check_truncation(truncation)
    if truncation is None:
        return generator, None
    if hasattr(generator, "synthesis"):
        return TruncatedStyles(generator, truncation, latent_dim=latent_dim), None
    if getattr(getattr(generator, "conditioning", None), "blind_to_length", False):
        raise ConfigError(
            f"truncation={truncation} would change nothing: model.conditioning=style scales every latent to one length, and "
            f"{type(generator).__name__} has no styles to truncate; leave truncation out."
        )
    return generator, truncation


def check_truncation(threshold: float | None) -> None:
    """Raise ConfigError unless it is None or a number above 0."""
    if threshold is None:
        return
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not threshold > 0:
        raise ConfigError(f"truncation={threshold} is no threshold; give a number above 0, or null to cut nothing.")
