"""What `explain.py` reads from its configuration, once, as plain values."""

from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import DictConfig

from sparring.config.plain import plain
from sparring.core.errors import ConfigError
from sparring.core.settings import IN_FLIGHT, at_least_one, check_at_least_one, device_named
from sparring.core.task import class_index, class_words
from sparring.core.terminal import say

SPLITS = ("train", "val", "test")
SUBJECTS = ("auto", "classifier", "discriminator", "generator")
SPACES = ("auto", "z", "w")
PREDICTED, LABEL = "predicted", "label"


@dataclass(frozen=True)
class ExplainSettings:
    """conf/explain.yaml says what each key means.

    Args:
        explained: "predicted", "label", or a class as typed, an index or a name.
        generator, to, classifier, label, layer: as typed; None: not given.
        attribution, direction: the sections as plain values, to build from and for the record.
    """

    run: str
    subject: str
    checkpoint: str | int
    explained: str
    split: str
    count: int | None
    baseline: float
    curve_steps: int
    squares: int
    sanity: int
    permuted: str | None
    pictured: int
    generator: str | None
    to: str | None
    counterfactuals: int
    restarts: int
    invert_steps: int
    formats: tuple[str, ...]
    classifier: str | None
    directions: int
    codes: int
    space: str
    label: str | None
    extent: float
    layer: str | None
    units: int
    seed: int
    device: torch.device
    cache_dir: str
    attribution: dict[str, Any]
    direction: dict[str, Any]

    @classmethod
    def of(cls, config: DictConfig) -> "ExplainSettings":
        """The settings of a run of `explain.py`.

        Raises:
            ConfigError: a subject, split, count, baseline or device that there is not.
        """
        _check(config)
        return cls(
            run=str(config.run), subject=config.subject, checkpoint=config.checkpoint, explained=str(config.explained),
            split=config.split, count=config.count, baseline=config.baseline, curve_steps=config.curve_steps,
            squares=config.squares, sanity=config.sanity, permuted=_text(config.permuted), pictured=config.pictured,
            generator=_text(config.generator), to=_text(config.to),
            counterfactuals=config.counterfactuals, restarts=config.restarts, invert_steps=config.invert_steps,
            formats=tuple(config.format), classifier=_text(config.classifier),
            directions=config.directions, codes=config.codes, space=config.space, label=_text(config.label),
            extent=config.extent, layer=_text(config.layer), units=config.units, seed=config.seed,
            device=device_named(config.device), cache_dir=config.paths.cache_dir, attribution=plain(config.attribution),
            direction=plain(config.direction),
        )  # fmt: skip

    @property
    def absent(self) -> torch.Tensor:
        """The value of an absent pixel in [-1, 1], on the device."""
        return torch.tensor(IN_FLIGHT * self.baseline - 1.0, device=self.device)


def _check(config: DictConfig) -> None:
    """Raise ConfigError for a value that there is not."""
    check_at_least_one(count=1 if config.count is None else config.count, pictured=config.pictured)
    at_least_one(
        directions=config.directions, counterfactuals=config.counterfactuals, restarts=config.restarts,
        invert_steps=config.invert_steps,
    )  # fmt: skip
    for key in ("curve_steps", "squares", "codes"):
        if config[key] < 2:
            raise ConfigError(f"{key}={config[key]} is too few; give 2 or more.")
    for key, off in (("sanity", "no check"), ("units", "no ablation")):
        if config[key] < 0:
            raise ConfigError(f"{key}={config[key]} is below 0; give 0 for {off}, or more.")
    for key, known in (("split", SPLITS), ("subject", SUBJECTS), ("space", SPACES)):
        if config[key] not in known:
            raise ConfigError(f"{key}={config[key]} is none of {', '.join(known)}; give one of them.")
    if config.permuted is not None and not config.sanity:
        raise ConfigError(
            f"permuted={config.permuted} is looked at on the images of sanity=0; give sanity=16, or leave it out."
        )
    if not 0 <= config.baseline <= 1:
        raise ConfigError(f"baseline={config.baseline} must be from 0 (black) to 1 (white).")
    if not config.extent > 0:
        raise ConfigError(f"extent={config.extent} is in standard deviations and must be above 0.")


def _text(given: Any) -> str | None:
    return None if given is None else str(given)


def asked_class(given: str, class_names: tuple[str, ...], *, key: str) -> int:
    """`class_index`, which is said where it is not plain from what was given."""
    index = class_index(given, class_names, key=key)
    if class_names[index] != given:
        say(f"{key}={given} is {class_words(index, class_names)}")
    return index
