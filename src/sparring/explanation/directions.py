"""What moves along directions in a generator's latent space: images, a classifier's logits, and how fast."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sparring.attribution.evaluation.comparison import mean_interval
from sparring.core.errors import ConfigError
from sparring.core.progress import working
from sparring.core.terminal import say
from sparring.direction.base import Direction, Directions
from sparring.direction.shared.space import Codes, Space

STEPS = 7  # images of a strip, for each of SHOWN codes
SHOWN = 3
EPSILON = 0.01  # step of the path length, in standard deviations


@dataclass(frozen=True)
class MovedStrip:
    """(SHOWN * STEPS, C, H, W) images in [-1, 1] of some codes, each moved along a direction from -extent to extent; its name."""

    name: str
    image: Tensor


@dataclass(frozen=True)
class FoundDirections:
    """Directions of one way, with their records (one each, as result.json holds them) and strips."""

    directions: Directions
    records: list[dict[str, Any]]
    strips: list[MovedStrip]


def found_directions(
    ways: Mapping[str, Direction], space: Space, *, count: int, codes: int, extent: float, seed: int, listed: bool
) -> tuple[dict[str, FoundDirections], list[str]]:
    """Directions by way of finding them, a line on stderr for each; and a sentence for each way that does not apply.

    Args:
        count: directions of each way. codes: over which changes are averaged. extent: in standard deviations of the codes.
        listed: whether the ways are a table; one that was chosen alone must apply.

    Raises:
        ConfigError: the way that was chosen alone does not apply.
    """
    moved, found, sentences = space.draw(codes, seed=seed, purpose="moved"), {}, []
    shown = [moved[i : i + 1] for i in range(1, codes, 3)][:SHOWN]  # of several classes
    for name, way in ways.items():
        try:
            way.check(space)
        except ConfigError as error:
            if not listed:
                raise
            sentences.append(f"{name} was left out: {error}")
            continue
        started = time.perf_counter()
        with working(name):
            directions = way.find(space, count, seed=seed)
            pairs = list(zip(directions.names, directions.vectors, directions.values, strict=True))
            records = [
                {"name": label, "value": value, "value_means": way.value, "control": way.control}
                | movement(space, moved, vector, extent=extent)
                for label, vector, value in pairs
            ]
            strips = [
                MovedStrip(label, torch.cat([strip(space, code, vector, extent=extent) for code in shown]))
                for label, vector, _ in pairs
            ]
        found[name] = FoundDirections(directions, records, strips)
        say(f"{name:12} {len(records)} directions   {time.perf_counter() - started:.1f} s")
    return found, sentences


def movement(space: Space, codes: Codes, vector: Tensor, *, extent: float) -> dict[str, Any]:
    """How images change along a direction: pixels, path length, and each class's logit, with intervals over the codes.

    `pixel_change` is the mean absolute change of a pixel from -extent to extent, as a fraction of the pixel range.
    `path_length` is the mean of |G(c + e v) - G(c)|^2 / e^2 over the pixels: perceptual path length (Karras et al. 2019,
    section 4.1) along one direction, in pixels in place of VGG's features, with e in standard deviations.
    `logit_change` is the logit at extent minus that at -extent.
    """
    step = space.step_along(vector)
    low, high = codes.moved(-extent * step), codes.moved(extent * step)
    here, there = space.images(codes), space.images(codes.moved(EPSILON * step))
    moved = (space.images(high) - space.images(low)).abs().flatten(1).mean(1) / 2
    speed = (there - here).square().flatten(1).mean(1) / EPSILON**2
    record: dict[str, Any] = {
        "pixel_change": mean_interval(moved.cpu()).record(),
        "path_length": mean_interval(speed.cpu()).record(),
        "logit_change": None,
    }
    if space.logits is not None:
        change = (space.answers(high) - space.answers(low)).cpu()
        record["logit_change"] = [mean_interval(column).record() for column in change.T]
    return record


def strip(space: Space, code: Codes, vector: Tensor, *, extent: float) -> Tensor:
    """(STEPS, C, H, W) images of one code, moved from -extent to extent."""
    steps = torch.linspace(-extent, extent, STEPS, device=space.device)[:, None] * space.step_along(vector)
    repeated = Codes(*(each.expand(STEPS, *each.shape[1:]) for each in (code.code, code.label, code.latent)))
    return space.images(repeated.moved(steps)).cpu()
