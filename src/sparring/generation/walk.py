"""Walks through a generator's space: from latent to latent (interpolation), or from class to class (morph), in even steps.

Latents of a normal distribution are joined by arcs, since what lies on a straight line between them is too short to be one of
them (White 2016, "Sampling generative networks"); styles by straight lines (Karras et al. 2019, appendix B).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError, DivergedError
from sparring.core.pixels import to_uint8
from sparring.core.progress import tracked
from sparring.generation.sampler import BLOCK, Sampler, check_label_rule, class_rule
from sparring.model.conditioning.base import Conditioning
from sparring.model.layer.pixel_noise import seeds_of
from sparring.sampling.plain import PlainSampling

ROWS = 8  # walks beside each other, of latents of their own


@dataclass(frozen=True)
class WalkSettings:
    """What `generate.py` is to draw besides single images.

    Args:
        interpolate: latents that are passed; None: no interpolation.
        morph: classes that are passed, names or indices; None: no morph.
        frames: images from one stop to the next, both included.

    Raises:
        ConfigError: a number that is too small.
    """

    interpolate: int | None
    morph: tuple[str | int, ...] | None
    frames: int

    def __post_init__(self) -> None:
        if self.interpolate is not None and not (type(self.interpolate) is int and self.interpolate >= 2):
            raise ConfigError(f"interpolate={self.interpolate} is the number of latents to pass: give 2 or more.")
        if self.morph is not None and len(self.morph) < 2:
            raise ConfigError(
                f"morph={list(self.morph)} names the classes to pass: give two or more, as in 'morph=[3,8]'."
            )
        if self.frames < 2:
            raise ConfigError(f"frames={self.frames} from one stop to the next, both included: give 2 or more.")


@dataclass(frozen=True)
class Walk:
    """name: "interpolation" or "morph". image: (rows, frames, C, H, W) uint8. stops: frames that are one of the stops."""

    name: str
    image: Tensor
    stops: tuple[int, ...]


def walks(sampler: Sampler, settings: WalkSettings, *, class_names: Sequence[str]) -> list[Walk]:
    """The walks that the settings ask for, by the networks, latents and labels of `sampler`.

    Row r of a morph has the latent of image r; row r of an interpolation passes the latents of the images r, r + ROWS, ..., all
    as the class of image r.

    Raises:
        ConfigError: a class that there is not, a generator without classes, or a way of sampling that chooses its latents.
        DivergedError: the generator returns NaN or infinity.
    """
    made: list[Walk] = []
    if settings.interpolate is None and settings.morph is None:
        return made
    if not isinstance(sampler.sampling, PlainSampling):
        kind = type(sampler.sampling).__name__
        raise ConfigError(
            f"interpolate= and morph= walk between given latents, and {kind} chooses its own: use sampling=plain."
        )
    rows = torch.arange(ROWS)
    if settings.interpolate is not None:
        stops = [
            (sampler.latents(rows + ROWS * stop), sampler.labels(rows).clamp(min=0))
            for stop in range(settings.interpolate)
        ]
        made.append(_walk("interpolation", sampler, stops, settings.frames))
    if settings.morph is not None:
        classes = [_class(given, sampler, class_names) for given in settings.morph]
        latent = sampler.latents(rows)
        stops = [(latent, torch.full_like(rows, each)) for each in classes]
        made.append(_walk("morph", sampler, stops, settings.frames))
    return made


def _class(given: str | int, sampler: Sampler, class_names: Sequence[str]) -> int:
    if sampler.num_classes is None:
        raise ConfigError(
            "morph= goes from class to class, and this generator was trained without labels; use interpolate=."
        )
    try:
        index = class_rule(given, class_names)
        check_label_rule(index, sampler.num_classes)
    except ConfigError as error:
        raise ConfigError(str(error).replace("label=", "morph: ", 1)) from None
    if not isinstance(index, int):
        raise ConfigError(f"morph: {given} is no class; give names or indices, as in 'morph=[3,8]'.")
    return index


def _walk(name: str, sampler: Sampler, stops: list[tuple[Tensor, Tensor]], frames: int) -> Walk:
    """stops: latents (R, L) and labels (R,) that are passed."""
    parts: list[Tensor] = []
    legs = list(pairwise(stops))
    for number, (start, end) in enumerate(legs):
        shares = torch.linspace(0, 1, frames)[0 if number == 0 else 1 :]
        drawn = [
            _frame(sampler, start, end, float(share)) for share in tracked(shares, f"{name} {number + 1}/{len(legs)}")
        ]
        parts += drawn
    image = torch.stack(parts, 1)
    return Walk(name, image, tuple(range(0, image.shape[1], frames - 1)))


@torch.no_grad()
def _frame(sampler: Sampler, start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor], share: float) -> Tensor:
    """(R, C, H, W) uint8, `share` of the way from start to end; BLOCK rows in a pass, as everywhere."""
    padded = [
        each.repeat(-(-BLOCK // ROWS), *[1] * (each.ndim - 1))[:BLOCK].to(sampler.device) for each in (*start, *end)
    ]
    latent, label, other, other_label = padded
    image = between(sampler.players.generator, (latent, label), (other, other_label), share)
    if not bool(image.isfinite().all()):
        raise DivergedError("The generator's images hold NaN or infinity: its weights are from a run that diverged.")
    return to_uint8(image)[:ROWS].cpu()


def between(
    network: Any, start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor], share: float, *, step: Tensor | None = None
) -> Tensor:
    """Images (N, C, H, W) of codes `share` of the way from start to end: latents on arcs, styles on straight lines.

    Args:
        network: a generator; its codes are styles where it has them.
        start, end: latents (N, L) and labels (N,), on its device.
        step: (S,) added to every code; None: nothing.
    """
    (latent, label), (other, other_label) = start, end
    if hasattr(network, "synthesis"):
        style = network.style(latent, label)
        if other is not latent or not torch.equal(label, other_label):
            style = style.lerp(network.style(other, other_label), share)
        return network.synthesis(style if step is None else style + step, seeds_of(latent))
    code = latent if other is latent else arc(latent, other, share)
    morphing = _between(network, other_label, share) if not torch.equal(label, other_label) else nullcontext()
    with morphing:
        return network(code if step is None else code + step, label)


def arc(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Rows (N, L) on the arcs between the rows of `first` and `second`; their lengths change evenly."""
    long, far = first.norm(dim=1, keepdim=True), second.norm(dim=1, keepdim=True)
    cosine = ((first * second).sum(1, keepdim=True) / (long * far).clamp(min=1e-12)).clamp(-1, 1)
    angle = cosine.arccos()
    straight = angle.sin() < 1e-4  # the same direction, where an arc is a line
    safe = torch.where(straight, torch.ones_like(angle), angle)
    unit = [each / length.clamp(min=1e-12) for each, length in ((first, long), (second, far))]
    turned = (((1 - share) * safe).sin() * unit[0] + (share * safe).sin() * unit[1]) / safe.sin()
    return torch.where(straight, first.lerp(second, share), turned * long.lerp(far, share))


@contextmanager
def _between(network: nn.Module, other: Tensor, share: float) -> Iterator[None]:
    """Inside, the generator sees labels (N,) as `share` of the way to the labels `other` (N,), in what it makes of them."""
    own = getattr(network, "conditioning", None)
    if not isinstance(own, Conditioning):
        raise ConfigError(
            f"morph= needs a generator whose label enters through model/conditioning, and {type(network).__name__} takes it "
            "in another way; interpolate= works with any."
        )
    network.conditioning = _Between(own, other, share)
    try:
        yield
    finally:
        network.conditioning = own


class _Between(Conditioning):
    def __init__(self, own: Conditioning, other: Tensor, share: float) -> None:
        super().__init__()
        self.own, self.other, self.share = own, other, share
        self.features, self.condition_features = own.features, own.condition_features

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.own(latent, label).lerp(self.own(latent, self.other), self.share)

    def condition(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.own.condition(latent, label).lerp(self.own.condition(latent, self.other), self.share)
