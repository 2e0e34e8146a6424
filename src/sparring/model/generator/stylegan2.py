"""StyleGAN2 generator (Karras et al. 2020), written from the paper, without compiled operations."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import StyleGenerator
from sparring.model.layer.pixel_noise import PixelNoise, hashed_normal, hashed_uniform, seeds_of
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.residual import stage_widths
from sparring.model.layer.style import Mapping, StyledStage


class StyleGAN2Generator(StyleGenerator):
    """conditioning -> mapping -> style; learned constant -> one styled stage per resolution, whose images are summed.

    `style` and `synthesis` are the two halves, for what works on styles (path length). The output is linear, as in the
    paper: samples may exceed [-1, 1] in training and are clamped when written.

    Args:
        width: channels at the image size; doubled per stage towards the base, up to `growth` times.
        style_dim: of the style. mapping_layers: 8 in the paper, 2 in its CIFAR-10 setting.
        mapping_rate: learning rate of the mapping relative to the optimizer's; 0.01 in the paper.
        mixing: share [0, 1] of the images in training whose later layers, from a random one on, get another latent's style
            (Karras et al. 2019, section 3.1: 0.9; the CIFAR-10 setting: 0). That latent is a hash of the image's own.

    Raises:
        ConfigError: a share out of range, or an image size that doublings do not reach.

    Shapes: latent (N, latent_dim), label (N,) -> images (N, channels, image_size, image_size).
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        latent_dim: int,
        width: int,
        growth: int,
        style_dim: int,
        mapping_layers: int,
        mapping_rate: float,
        mixing: float,
        conditioning: ConditioningMaker,
    ) -> None:
        super().__init__()
        if not 0 <= mixing <= 1:
            raise ConfigError(f"model.generator.mixing={mixing} is a share of the images and must be from 0 to 1.")
        base, doublings = pyramid(image_size)
        widths = stage_widths(width, doublings + 1, cap=growth)[::-1]
        self.layers, self.mixing = 2 * doublings + 1, mixing
        self.conditioning = conditioning.make(latent_dim)
        self.mapping = Mapping(self.conditioning.features, style_dim, mapping_layers, learning_rate=mapping_rate)
        self.constant = nn.Parameter(torch.randn(widths[0], base, base))
        self.stages = nn.ModuleList(
            StyledStage(before, after, channels, style_dim, number=number)
            for number, (before, after) in enumerate(_pairs(widths))
        )
        self.noise = PixelNoise([base * 2 ** ((layer + 1) // 2) for layer in range(self.layers)])

    def style(self, latent: Tensor, label: Tensor) -> Tensor:
        """Latents (N, L) and classes (N,) -> styles (N, style_dim)."""
        return self.mapping(self.conditioning(latent, label))

    def synthesis(self, style: Tensor, seeds: Tensor) -> Tensor:
        """Images from styles (N, style_dim), or one for each layer, (N, layers, style_dim).

        seeds: (N,) int64, which choose the noise (`seeds_of(latent)`).
        """
        styles = style.unbind(1) if style.ndim == 3 else [style] * self.layers
        noises = self.noise(seeds)
        hidden, image = self.constant.expand(style.shape[0], -1, -1, -1), None
        for stage in self.stages:
            hidden, image = stage(hidden, image, styles, noises)
        assert image is not None
        return image

    def mixed(self, latent: Tensor, label: Tensor) -> Tensor:
        """Styles of every layer, (N, layers, style_dim), with mixing."""
        seeds = seeds_of(latent)
        # Streams 0 to layers - 1 are the layers' noise.
        other = hashed_normal(seeds, self.layers, latent.shape[1]).to(latent.dtype)
        chance, where = hashed_uniform(seeds, self.layers + 1, 2).T
        first = 1 + (where * (self.layers - 1)).long()  # (N,): first layer with the other style, at least the second
        taken = (torch.arange(self.layers, device=latent.device) >= first[:, None]) & (chance < self.mixing)[:, None]
        return torch.where(taken[:, :, None], self.style(other, label)[:, None], self.style(latent, label)[:, None])

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        mixes = self.training and self.mixing > 0
        return self.synthesis((self.mixed if mixes else self.style)(latent, label), seeds_of(latent))


def _pairs(widths: list[int]) -> Iterator[tuple[int | None, int]]:
    yield None, widths[0]
    yield from pairwise(widths)
