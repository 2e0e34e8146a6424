"""Learning rates and other settings of a recipe: which there are, and the trainings over their values."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import OmegaConf

from sparring.config.compose import compose_all, hydra_at, searchpath
from sparring.config.explain import readable_errors
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR
from sparring.core.wording import listing
from sparring.run.kind import DEGRADED, networks_of
from sparring.study.cells.axis import OPTIONS, Axis
from sparring.study.cells.recipes import budget
from sparring.study.engine.context import StudyContext


@dataclass(frozen=True)
class Recipe:
    """What a preset itself says of the settings that are varied.

    Args:
        rates: learning rate of each optimizer. betas: second beta of those that have betas. options: of OPTIONS, by name.
        generates, classifies: whether it has a generator, a classifier.
        scheduled: whether its rates follow a schedule over the budget.
    """

    rates: Mapping[str, float]
    betas: Mapping[str, float]
    options: Mapping[str, float]
    generates: bool
    classifies: bool
    scheduled: bool


def recipe_of(context: StudyContext, model: Sequence[str]) -> Recipe:
    """Read from the configuration of a recipe.

    Args:
        context: of the study: its data set, and overrides of every training.
        model: overrides that choose the recipe.

    Raises:
        ConfigError: the overrides do not compose, or the model has no optimizer.
    """
    overrides = [*searchpath(), f"data={context.dataset}", *context.train, *model]
    with readable_errors(ValueError), hydra_at(CONFIG_DIR, "train"):
        config = compose_all("train", overrides)
        names = [str(key) for key in config.model if str(key).endswith("optimizer")]
        rates = {name: float(OmegaConf.select(config, f"model.{name}.lr")) for name in names}
        betas = {name: OmegaConf.select(config, f"model.{name}.betas") for name in names}
        options = {name: OmegaConf.select(config, option.key) for name, option in OPTIONS.items() if name != "beta1"}
        schedule = str(OmegaConf.select(config, "model.schedule._target_", default="constant"))
        generates = "generator" in config.model or "velocity" in config.model
        known = networks_of({"model": OmegaConf.to_container(config.model, resolve=False)})
    if not rates:
        raise ConfigError(f"{listing(model)} has no optimizer whose learning rate could be chosen.")
    options["batch_size"] = context.batch_size
    options["beta1"] = next((each[0] for each in betas.values() if each), None)
    return Recipe(
        rates, {name: float(each[1]) for name, each in betas.items() if each},
        {name: float(value) for name, value in options.items() if value is not None}, generates,
        classifies=known is None or bool({"classifier", DEGRADED} & known), scheduled="constant" not in schedule,
    )  # fmt: skip


def option_axes(recipe: Recipe, given: Mapping[str, Sequence[float] | None], model: str) -> list[Axis]:
    """Axes beside the learning rates.

    Args:
        given: name in OPTIONS -> values; None: not varied.
        model: the override that chose the recipe, for messages.

    Raises:
        ConfigError: the recipe has no such setting, or values out of range or twice.
    """
    axes = []
    for name, values in given.items():
        if values is None:
            continue
        where = f"study.options.{name}={list(values)}"
        if name not in recipe.options:
            raise ConfigError(f"{where}: {model} has no {OPTIONS[name].needs}.")
        ordered = tuple(sorted(map(float, values)))
        if name == "beta1" and not all(0 <= value < 1 for value in ordered):
            raise ConfigError(f"{where} must hold numbers from 0 to below 1.")
        if name == "batch_size" and not all(value.is_integer() for value in ordered):
            raise ConfigError(f"{where} must hold whole numbers.")
        _check_values(where, ordered, lowest=0.0 if name == "beta1" else None)
        axes.append(Axis(name, ordered, recipe.options[name], tuple(recipe.betas.items())))
    return axes


def check_several(axes: Sequence[Axis]) -> None:
    """Raise ConfigError for a grid of one point."""
    if all(len(axis.rates) == 1 for axis in axes):
        raise ConfigError(
            f"The grid has one point ({', '.join(f'{axis.key}={axis.rates[0]:g}' for axis in axes)}), and nothing to compare it "
            "with: give study.factors two or more values, such as [0.25,1,4]."
        )


def _check_values(where: str, values: Sequence[float], *, lowest: float | None = None) -> None:
    """Raise ConfigError unless there are values, none twice, above 0, or from `lowest`."""
    good = all(value > 0 if lowest is None else value >= lowest for value in values)
    if not values or not good or len(set(values)) < len(values):
        raise ConfigError(f"{where} must hold one or more numbers above 0, none twice.")


def grid_axes(
    own: Mapping[str, float], factors: Sequence[float], given: Mapping[str, Sequence[float] | None]
) -> list[Axis]:
    """The axes of the grid: the generator's and the discriminator's rate, or that of the model's only optimizer.

    Args:
        own: rate of each optimizer of the recipe.
        factors: times its own, where no rates are given.
        given: optimizer -> rates; None: not given.

    Raises:
        ConfigError: rates of an optimizer that the recipe does not have, no positive rates, or one twice.
    """
    chosen = {name: rates for name, rates in given.items() if rates is not None}
    for name in chosen:
        if name not in own:
            raise ConfigError(
                f"study.rates.{name}={list(chosen[name] or [])}: this model has no {name}; it has {listing(own)}."
            )
    axes = []
    for name in _names(own, chosen):
        rates = (
            list(chosen[name] or []) if name in chosen else [float(f"{factor * own[name]:.4g}") for factor in factors]
        )
        where = f"study.rates.{name}={rates}" if name in chosen else f"study.factors={list(factors)}"
        _check_values(where, rates)
        axes.append(Axis(name, tuple(sorted(map(float, rates))), own[name]))
    return axes


def _names(own: Mapping[str, float], chosen: Mapping[str, Sequence[float]]) -> list[str]:
    """Optimizers with an axis: generator and discriminator, or those for which rates are given, or the first two of the model."""
    pair = [name for name in ("generator_optimizer", "discriminator_optimizer") if name in own]
    names = pair if len(pair) == 2 and set(chosen) <= set(pair) else list(chosen) or list(own)[:2]
    if len(names) > 2:
        raise ConfigError(
            f"study.rates is given for {listing(names)}; a grid has one or two axes, set the others to null."
        )
    return names


def points(axes: Sequence[Axis]) -> list[tuple[float, ...]]:
    """Every combination of the rates, the last axis fastest."""
    return list(itertools.product(*(axis.rates for axis in axes)))


def point_name(axes: Sequence[Axis], rates: Sequence[float]) -> str:
    """G0.002_D0.0005."""
    return "_".join(f"{axis.short}{rate:g}" for axis, rate in zip(axes, rates, strict=True))


def rate_overrides(axes: Sequence[Axis], rates: Sequence[float]) -> list[str]:
    """Overrides of a training at a point of the grid."""
    return [item for axis, rate in zip(axes, rates, strict=True) for item in axis.overrides(rate)]


def fd_watched(*, features: str, every: int, samples: int) -> list[str]:
    """Overrides of a training of a generator: measure fd on the way."""
    return [
        "callback=[default,quality]", f"metric/features@callback.quality.features={features}",
        "callback.quality.metric=fd", "callback.quality.names=[fd]", f"callback.quality.every={every}",
        f"callback.quality.count={samples}", "callback.quality.max_time_share=null",
    ]  # fmt: skip


def short_training(*, steps: int, every: int, seed: int) -> list[str]:
    """Overrides of a training whose curves are looked at: `every` iterations it is validated, 30 times its losses are logged."""
    return [
        *budget(steps=steps, seed=seed)[:2], f"trainer.val_check_interval={every}",
        f"trainer.log_every_n_steps={max(1, steps // 30)}",
    ]  # fmt: skip
