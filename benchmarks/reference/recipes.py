"""The recipes of the plain loops: each paper's loss, penalty and optimizer on networks sized for a CPU."""

from functools import partial

import torch
from torch import Tensor, nn

from reference.loop import Recipe
from reference.networks import (
    ConvDiscriminator,
    ConvGenerator,
    DCGANDiscriminator,
    DCGANGenerator,
    MLPDiscriminator,
    MLPGenerator,
    ResNetDiscriminator,
    ResNetGenerator,
)


def slope(d: nn.Module, image: Tensor, label: Tensor) -> Tensor:
    """||dD/dx|| of each image, differentiable."""
    image = image.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(d(image, label).sum(), image, create_graph=True)
    return (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()


def between(d: nn.Module, real: Tensor, fake: Tensor, label: Tensor) -> Tensor:
    """WGAN-GP (Gulrajani et al. 2017, equation 3): slope 1 on lines between real and generated images, weight 10."""
    share = torch.rand(len(real), 1, 1, 1)
    return 10 * (slope(d, share * real + (1 - share) * fake, label) - 1).square().mean()


def around(d: nn.Module, real: Tensor, fake: Tensor, label: Tensor) -> Tensor:
    """DRAGAN (Kodali et al. 2017): slope 1 around real images, uniform noise of half the data's deviation, weight 10."""
    return 10 * (slope(d, real + 0.5 * real.std() * torch.rand_like(real), label) - 1).square().mean()


def zero(d: nn.Module, real: Tensor, fake: Tensor, label: Tensor) -> Tensor:
    """R1 and R2 (Mescheder et al. 2018; Huang et al. 2024): slope 0 at real and at generated images, gamma 0.3."""
    return 0.15 * (slope(d, real, label).square() + slope(d, fake, label).square()).mean()


DCGAN = {"generator": partial(DCGANGenerator, width=32), "discriminator": partial(DCGANDiscriminator, width=32)}
RESNET = partial(ResNetGenerator, width=16)
TTUR = {"lr": (1e-3, 1e-3), "betas": (0.0, 0.9), "z": 128}

RECIPES = {
    "gan": Recipe(partial(MLPGenerator, width=256), partial(MLPDiscriminator, width=128), "logistic"),
    "dcgan": Recipe(**DCGAN, loss="logistic"),
    "lsgan": Recipe(**DCGAN, loss="squares"),
    "wgan": Recipe(**DCGAN, loss="wasserstein", clip=0.01, d_steps=5, lr=(5e-5, 5e-5), betas=None),
    "dragan": Recipe(DCGAN["generator"], partial(DCGANDiscriminator, width=32, norm=False), "logistic", penalty=around),
}  # fmt: skip
