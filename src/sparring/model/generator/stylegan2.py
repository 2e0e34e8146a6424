"""StyleGAN2 generator (Karras et al. 2020), written from the paper, without compiled operations."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from sparring.model.code.base import CodeMaker
from sparring.model.generator.base import Generator
from sparring.model.layer.pixel_noise import seeds_of
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.residual import stage_widths
from sparring.model.layer.style import Mapping, StyledStage


class StyleGAN2Generator(Generator):
    """code -> mapping -> style; learned constant -> one styled stage per resolution, whose images are summed.

    `style` and `synthesis` are the two halves, for what works on styles (path length). There is no style mixing, as in the
    published CIFAR-10 setting. The output is linear, as in the paper: samples may exceed [-1, 1] while training and are
    clamped when written.

    width: channels at the image size; doubled per stage towards the base, up to `growth` times.
    mapping_layers: the paper has 8, its CIFAR-10 setting 2.

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
        code: CodeMaker,
    ) -> None:
        super().__init__()
        base, doublings = pyramid(image_size)
        widths = stage_widths(width, doublings + 1, cap=growth)[::-1]
        self.code = code.make(latent_dim)
        self.mapping = Mapping(self.code.features, style_dim, mapping_layers)
        self.constant = nn.Parameter(torch.randn(widths[0], base, base))
        self.stages = nn.ModuleList(
            StyledStage(before, after, channels, style_dim, number=number)
            for number, (before, after) in enumerate(_pairs(widths))
        )

    def style(self, latent: Tensor, label: Tensor) -> Tensor:
        """(N, style_dim)."""
        return self.mapping(self.code(latent, label))

    def synthesis(self, style: Tensor, seeds: Tensor) -> Tensor:
        """Images from styles; seeds (N,) int64 choose the noise (`seeds_of(latent)`)."""
        hidden, image = self.constant.expand(len(style), -1, -1, -1), None
        for stage in self.stages:
            hidden, image = stage(hidden, image, style, seeds)
        assert image is not None
        return image

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.synthesis(self.style(latent, label), seeds_of(latent))


def _pairs(widths: list[int]) -> Iterator[tuple[int | None, int]]:
    yield None, widths[0]
    yield from pairwise(widths)
