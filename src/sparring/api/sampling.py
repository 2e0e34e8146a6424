"""What a run's networks draw and say, as tensors."""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.api.images import in_flight, unit_range
from sparring.core.errors import ConfigError, DataError
from sparring.core.settings import device_named
from sparring.generation.sampler import Sampler, class_rule, joined
from sparring.model.discriminator.base import Discriminator
from sparring.trained.networks import TrainedGenerator

BATCH = 256  # images that a discriminator sees at a time


def sampled(
    trained: TrainedGenerator, count: int, *, label: str | int, seed: int, truncation: float | None, device: str,
    dtype: torch.dtype | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Images and labels as `Run.sample` describes them."""
    if dtype not in (None, torch.float32, torch.uint8):
        raise ConfigError(f"dtype={dtype} is no type of images: give torch.float32 or torch.uint8.")
    place = device_named(device)
    sampler = Sampler(
        trained.network.to(place), latent_dim=trained.latent_dim, num_classes=trained.num_classes, count=count, seed=seed,
        label=class_rule(label, trained.class_names),
        class_prior=trained.class_prior, truncation=truncation, device=place,
    )  # fmt: skip
    try:
        samples = joined(sampler)
    finally:
        trained.network.cpu()
    return samples.image if dtype == torch.uint8 else unit_range(samples.image), samples.label


@torch.no_grad()
def features(network: nn.Module, images: Any, shape: tuple[int, int, int]) -> Tensor:
    """(N, F) float32 that the head of the discriminator `network` reads of images uint8 or in [0, 1].

    Args:
        shape: (C, H, W) of the images that it was trained on.

    Raises:
        DataError: images of another kind or shape.
    """
    assert isinstance(network, Discriminator)
    image = in_flight(images)
    if image.shape[1:] != shape:
        raise DataError(
            f"images have the shape {tuple(image.shape[1:])} and the run was trained on {shape} (channels, height, width): "
            "convert them."
        )
    return torch.cat([network.features(part).flatten(1).float() for part in image.split(BATCH)])
