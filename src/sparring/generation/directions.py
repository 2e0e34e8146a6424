"""The latent space of a GAN's run with a classifier beside it, and the directions in it that can be named on a command line."""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.task import Task, check_same_task
from sparring.core.types import TrainedNetwork
from sparring.core.wording import near
from sparring.direction.base import Direction
from sparring.direction.shared.space import Space
from sparring.model.generator.base import StyleGenerator
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Checkpoint, Given, Runs

COUNT, SEED = 5, 0  # of each way, and of their draws: what `explain` finds with its own settings


def space_of_generator(
    trained: TrainedGenerator, classifier: TrainedNetwork | None, *, device: torch.device, label: int | None = None,
    styles: bool | None = None,
) -> Space:  # fmt: skip
    """The generator's latents, or its styles.

    Args:
        classifier: whose logits say what directions mean; None: nothing does.
        label: class of all codes; None: all classes in turn.
        styles: whether codes are styles; None: where the generator has them.
    """
    network = trained.network.to(device).eval().requires_grad_(False)
    logits = None if classifier is None else classifier.network.to(device)
    names = () if classifier is None else classifier.class_names
    styled = isinstance(network, StyleGenerator) if styles is None else styles
    return Space(network, trained.latent_dim, trained.num_classes, label, logits, styled, device, names)


def classifier_for(
    given: Given, classifier: str | None, runs: Runs, *, checkpoint: Checkpoint = "last"
) -> TrainedNetwork | None:
    """The classifier of the run `classifier`, or the one in the GAN's own run `given`, or None.

    Raises:
        DataError: it sees other images than the generator draws. CheckpointError: the named run holds none.
    """
    if classifier is None:
        try:
            return runs.classifier(given, checkpoint=checkpoint)
        except CheckpointError:
            return None
    loaded = runs.classifier(classifier)
    data = runs.open(given).config["data"]
    wanted = Task(data["channels"], data["image_size"], loaded.class_names)
    check_same_task(
        f"classifier={classifier}", loaded.task, other=f"run={given}", wanted=wanted, needs="give a classifier"
    )
    return loaded


@dataclass(frozen=True)
class Step:
    """name: of the direction, such as "towards 8". vector: (S,) one standard deviation of the codes along it."""

    name: str
    vector: Tensor


def named_steps(ways: Mapping[str, Direction], space: Space) -> dict[str, Step]:
    """The directions of every way that applies, by what `move=` calls them: `sefa_1` to `sefa_5`, `boundary_1`, ..."""
    found: dict[str, Step] = {}
    for way, direction in ways.items():
        with suppress(ConfigError):  # it needs a classifier, or a layer that there is not
            found |= steps_of(way, direction, space)
    return found


def steps_of(way: str, direction: Direction, space: Space) -> dict[str, Step]:
    """The directions of one way by what `move=` calls them.

    Raises:
        ConfigError: it needs a classifier, or a layer that there is not.
    """
    direction.check(space)
    directions = direction.find(space, COUNT, seed=SEED)
    named = enumerate(zip(directions.names, directions.vectors, strict=True), start=1)
    return {f"{way}_{number}": Step(name, space.step_along(vector)) for number, (name, vector) in named}


def ways_asked_for(move: Iterable[str], ways: Mapping[str, Direction]) -> dict[str, Direction]:
    """Those whose directions are named.

    Args:
        move: names of directions, such as `sefa_1`. ways: all that there are.

    Raises:
        ConfigError: a name that belongs to no way.
    """
    asked = {}
    for key in move:
        way = key.rpartition("_")[0]
        if way not in ways:
            raise _unknown(key, [f"{each}_{number}" for each in ways for number in range(1, COUNT + 1)])
        asked[way] = ways[way]
    return asked


def _unknown(key: str, names: Iterable[str]) -> ConfigError:
    known = ", ".join(names) or "none that apply to this generator"
    return ConfigError(f"move: there is no direction {key}{near(key, names) or '.'} There are {known}.")


def moved_by(move: Mapping[str, float], steps: Mapping[str, Step]) -> Tensor | None:
    """(S,) the sum of the named directions, each times its strength; None where nothing is moved.

    Args:
        move: strengths in standard deviations by a key of `steps`.

    Raises:
        ConfigError: no such direction.
    """
    for key in move:
        if key not in steps:
            raise _unknown(key, steps)
    parts = [strength * steps[key].vector for key, strength in move.items()]
    return torch.stack(parts).sum(0) if parts else None


def strengths(given: Sequence[Any]) -> dict[str, float]:
    """Texts such as "sefa_1:2" as strength by direction.

    Raises:
        ConfigError: one that is no direction and number, or a direction twice.
    """
    found: dict[str, float] = {}
    for each in given:
        key, _, text = (part.strip() for part in str(each).partition(":"))
        if key in found:
            raise ConfigError(f"move: {key} stands there twice; give it one strength.")
        try:
            found[key] = float(text)
        except ValueError:
            found[key] = math.nan
        if not key or not math.isfinite(found[key]):
            raise ConfigError(
                f"move: {each} is no direction with a strength in standard deviations; write them as in 'move=[sefa_1:2]'."
            )
    return found


def ways_of(settings: Mapping[str, Any], runs: Runs, *, only: set[str] | None = None) -> dict[str, Direction]:
    """The ways of finding directions of the section `direction`, by name.

    Args:
        settings: plain values; one way, or several by name.
        only: those that are wanted; None: all.
    """
    if "_target_" in settings:
        made = runs.build(settings, section="direction")
        return {type(made).__module__.rpartition(".")[2]: made}
    chosen = {name: each for name, each in settings.items() if only is None or name in only}
    return dict(runs.build(chosen, section="direction")) if chosen else {}
