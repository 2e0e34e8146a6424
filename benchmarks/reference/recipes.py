"""The recipes of the plain loops: each paper's loss, penalty and optimizer on networks as wide as the preset of that name."""

from functools import partial
from typing import Any

import torch
from reference.loop import Recipe
from reference.networks import ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from reference.residual import R3Discriminator, R3Generator, ResNetDiscriminator, ResNetGenerator
from reference.style import StyleDiscriminator, StyleGenerator
from torch import Tensor, nn


def slope(d: nn.Module, image: Tensor, label: Tensor) -> Tensor:
    """||dD/dx|| of each image, (N,), differentiable."""
    image = image.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(d(image, label).sum(), image, create_graph=True)
    return (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()


def between(d: nn.Module, real: Tensor, fake: Tensor, label: Tensor, step: int) -> Tensor:
    """Slope 1 on lines between real and generated images, weight 10 (Gulrajani et al. 2017, equation 3)."""
    share = torch.rand(len(real), 1, 1, 1)
    return 10 * (slope(d, share * real + (1 - share) * fake, label) - 1).square().mean()


def around(d: nn.Module, real: Tensor, fake: Tensor, label: Tensor, step: int, *, normal: bool = False) -> Tensor:
    """Slope 1 around real images, weight 10 (Kodali et al. 2017); noise of half the data's deviation times U(0, 1), as in the
    authors' code, or times N(0, 1).
    """
    noise = torch.randn_like(real) if normal else torch.rand_like(real)
    return 10 * (slope(d, real + 0.5 * real.std() * noise, label) - 1).square().mean()


def flat(d: nn.Module, real: Tensor, fake: Tensor, label: Tensor, step: int) -> Tensor:
    """R1 and R2: slope 0 at real and at generated images, gamma 0.3 (Mescheder et al. 2018; Huang et al. 2024)."""
    return 0.15 * (slope(d, real, label).square() + slope(d, fake, label).square()).mean()


def lazy(d: nn.Module, real: Tensor, fake: Tensor, label: Tensor, step: int) -> Tensor:
    """R1 with gamma 0.3, in every 16th step and 16 times as strong (Karras et al. 2020, appendix B)."""
    return 16 * 0.15 * slope(d, real, label).square().mean() if step % 16 == 0 else torch.zeros(())


DCGAN: dict[str, Any] = {
    "generator": partial(ConvGenerator, width=32, norm=True),
    "discriminator": partial(ConvDiscriminator, width=32, norm=True, normal=True),
}
NARROW = partial(ResNetGenerator, width=8)
NORMED = partial(ResNetDiscriminator, width=16, norm=True)
CONV = partial(ConvDiscriminator, norm=False, normal=False)
HINGE: dict[str, Any] = {"loss": "hinge", "lr": (2e-3, 2e-3), "betas": (0.0, 0.9), "z": 128}
RELATIVISTIC: dict[str, Any] = {
    "loss": "relativistic",
    "penalty": flat,
    "lr": (2e-3, 2e-3),
    "betas": (0.0, 0.99),
    "z": 64,
}

RECIPES = {
    "gan": Recipe(partial(MLPGenerator, width=256), partial(MLPDiscriminator, width=128), "logistic", lr=(5e-4, 5e-4), z=64),
    "dcgan": Recipe(**DCGAN, loss="logistic"),
    "lsgan": Recipe(**DCGAN, loss="squares"),
    "wgan": Recipe(**DCGAN, loss="wasserstein", clip=0.01, d_steps=5, lr=(5e-4, 5e-4), betas=None),
    "dragan": Recipe(
        DCGAN["generator"], partial(CONV, width=32), "logistic", penalty=around, lr=(1e-3, 1e-3)
    ),
    "wgan_gp": Recipe(
        partial(ResNetGenerator, width=16, conditional=False), partial(ResNetDiscriminator, width=16), "wasserstein",
        penalty=between, lr=(1e-3, 1e-3), betas=(0.0, 0.9), z=128,
    ),
    "sngan": Recipe(NARROW, partial(ResNetDiscriminator, width=16, spectral=True), **HINGE),
    "projgan": Recipe(NARROW, NORMED, **{**HINGE, "betas": (0.5, 0.999)}),
    "acgan": Recipe(
        NARROW, partial(NORMED, auxiliary=True), auxiliary=1.0, **{**HINGE, "betas": (0.5, 0.999)}
    ),
    "sagan": Recipe(
        partial(NARROW, spectral=True, attention=True), partial(ResNetDiscriminator, width=16, spectral=True, attention=True),
        **{**HINGE, "lr": (1e-3, 2e-3)},
    ),
    "rpgan": Recipe(
        partial(ConvGenerator, width=16, norm=False), partial(CONV, width=16), **RELATIVISTIC
    ),
    "r3gan": Recipe(partial(R3Generator, width=8), partial(R3Discriminator, width=8), **RELATIVISTIC),
    "stylegan2": Recipe(
        partial(StyleGenerator, width=8), partial(StyleDiscriminator, width=8), "logistic", penalty=lazy, lr=(1e-2, 1e-2),
        betas=(0.0, 0.99), z=64,
    ),
}  # fmt: skip
