"""How far a trained generator's images are from held-out ones, at the end of its training: cheap, from 8 x 8 pixels."""

import copy
import logging
import math
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import DataError, DivergedError
from sparring.core.measurement import Measurement
from sparring.core.progress import working
from sparring.core.randomness import generator, seed_of
from sparring.data.module.image_data import ImageData
from sparring.evaluation.glance import SIDE, small
from sparring.generation.sampler import Sampler, joined
from sparring.metric.frechet import frechet
from sparring.metric.moments import Moments

log = logging.getLogger(__name__)
COUNT = 500  # samples
HELD_OUT = 10_000  # images at most
HALVES = 10  # random halves of the samples, for the standard deviation


def sample_metrics(model: Any, data: ImageData) -> dict[str, Measurement]:
    """`test/fd_pixels_8x8_500`: the Frechet distance of the averaged generator's images to those of test, or of val.

    Its reference is the distance of as many training images in place of the samples. Empty where nothing is held out, or the
    images cannot be measured.

    Args:
        model: a game that draws images, on its device.
        data: that it was trained on.
    """
    images = data.splits.images
    split = next((each for each in ("test", "val") if len(images[each]) >= 2), None)
    count = min(COUNT, len(images["train"]))
    if split is None or count < 2:
        return {}
    try:
        with working("samples against held-out images"):
            held_out = Moments.of(small(_some(images[split], HELD_OUT)))
            real = Moments.of(small(_some(images["train"], count)))
            features = small(_drawn(model, count))
            value, reference = frechet(Moments.of(features), held_out).value, frechet(real, held_out).value
            deviation = _deviation(features, held_out)
    except (DataError, DivergedError) as error:
        log.warning("The samples were not compared with %s images: %s", split, error)
        return {}
    protocol = {
        "features": f"pixels, averaged to {SIDE}x{SIDE}", "count": count, "weights": "ema",
        "iteration": model.clock.iteration, "reference": {"split": split, "images": held_out.count},
        "real_data_reference": f"{count} real images in place of the samples, against {held_out.count}",
        "std": f"standard deviation over {HALVES} random halves of the samples",
    }  # fmt: skip
    measured = Measurement(value=value, std=deviation, direction="lower", protocol=protocol, reference=reference)
    return {f"{split}/fd_pixels_{SIDE}x{SIDE}_{count}": measured}


def _some(images: Any, most: int) -> Tensor:
    """(n, C, H, W) uint8 on the CPU: at most so many, drawn at random by their number."""
    order = torch.randperm(len(images), generator=generator("samples against", len(images)))[:most]
    return images.take(order.sort().values)[0].cpu()


def _drawn(model: Any, count: int) -> Tensor:
    """(count, C, H, W) uint8 of the averaged generator, classes in turn; they depend on the run's seed alone."""
    sampler = Sampler(
        copy.deepcopy(model.ema).float(), latent_dim=model.latent_dim, device=model.device, count=count,
        num_classes=model.num_classes if model.conditional else None, seed=seed_of("samples at the end", model.seed),
    )  # fmt: skip
    return joined(sampler).image


def _deviation(features: Tensor, held_out: Moments) -> float | None:
    """Of the distance over random halves; they vary around the whole as the whole varies around the truth (Shao and Wu 1989)."""
    if len(features) < 4:
        return None
    draws = generator("halves", len(features))
    halves = [torch.randperm(len(features), generator=draws)[: len(features) // 2] for _ in range(HALVES)]
    values = [frechet(Moments.of(features[half]), held_out).value for half in halves]
    mean = sum(values) / HALVES
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (HALVES - 1))
