"""Checks that networks fit each other and the data, before any data is read."""

import copy

import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator
from sparring.model.given import GivenNetwork
from sparring.model.head.base import HeadMaker
from sparring.model.step.recipe import leaf_name


def check_shapes(
    generator: nn.Module, discriminator: nn.Module, *, latent_dim: int, channels: int, image_size: int
) -> None:
    """One dry run on the meta device.

    Raises:
        ConfigError: names both shapes.
    """
    check_generator(generator, latent_dim=latent_dim, channels=channels, image_size=image_size)
    check_discriminator(discriminator, channels=channels, image_size=image_size)


def check_discriminator(discriminator: nn.Module, *, channels: int, image_size: int) -> None:
    """One dry run on the meta device.

    Raises:
        ConfigError: names both shapes.
    """
    if isinstance(discriminator, GivenNetwork):
        return
    discriminator = copy.deepcopy(discriminator).to("meta")
    label = torch.zeros(2, dtype=torch.int64, device="meta")
    expected = (2, channels, image_size, image_size)
    try:
        logits = discriminator(torch.empty(expected, device="meta"), label)
    except RuntimeError as error:
        raise ConfigError(f"model.discriminator cannot take images of shape {expected[1:]}: {error}.") from None
    if tuple(logits.shape) != (2,):
        raise ConfigError(f"model.discriminator must return logits of shape (2,), got {tuple(logits.shape)}.")


def check_generator(generator: nn.Module, *, latent_dim: int, channels: int, image_size: int) -> None:
    """One dry run on the meta device.

    Raises:
        ConfigError: names both shapes.
    """
    if isinstance(generator, GivenNetwork):
        return
    generator = copy.deepcopy(generator).to("meta")
    label = torch.zeros(2, dtype=torch.int64, device="meta")
    try:
        image = generator(torch.empty(2, latent_dim, device="meta"), label)
    except RuntimeError as error:
        raise ConfigError(f"model.generator cannot take latents of model.latent_dim={latent_dim}: {error}.") from None
    expected = (channels, image_size, image_size)
    if tuple(image.shape[1:]) != expected:
        raise ConfigError(
            f"model.generator draws images of shape {tuple(image.shape[1:])} but data has {expected} "
            "(channels, height, width); let both read ${data.channels} and ${data.image_size}."
        )


def check_perturber(perturber: nn.Module, *, channels: int, image_size: int) -> None:
    """One dry run on the meta device.

    Raises:
        ConfigError: names both shapes.
    """
    perturber = copy.deepcopy(perturber).to("meta")
    expected = (2, channels, image_size, image_size)
    try:
        change = perturber(torch.empty(expected, device="meta"))
    except RuntimeError as error:
        raise ConfigError(f"model.perturber cannot take images of shape {expected[1:]}: {error}.") from None
    if tuple(change.shape) != expected:
        raise ConfigError(
            f"model.perturber changes images of shape {expected[1:]} by {tuple(change.shape[1:])}; both must be the same."
        )


def check_labels(generator: nn.Module, conditioning: ConditioningMaker, head: HeadMaker) -> bool:
    """Whether the pair is conditional.

    Raises:
        ConfigError: only one of the two sees the label, or the generator has no place where it could enter.
    """
    if head.conditional and not conditioning.conditional:
        raise ConfigError(
            f"model.head={leaf_name(head)} uses the label but model.conditioning={leaf_name(conditioning)} never "
            "gives the generator one; set model/conditioning=concat, or model/head=none."
        )
    if conditioning.conditional and not head.conditional:
        raise ConfigError(
            f"model.conditioning={leaf_name(conditioning)} gives the generator a label that model.head={leaf_name(head)} never "
            "checks, so it would learn to ignore it; set model/head=projection, or model/conditioning=none."
        )
    if isinstance(generator, Generator) and not generator.conditioning.enters:
        raise ConfigError(
            f"model.conditioning={leaf_name(conditioning)} gives the label to normalisation layers alone and "
            f"{type(generator).__name__} has none that take it; set model/conditioning=concat, or a generator with batch "
            "normalisation (dcgan, resnet, sagan, biggan)."
        )
    return conditioning.conditional
