"""Learning rates of the optimizers of a recipe: which there are, and the trainings over a grid of them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import OmegaConf

from sparring.config.compose import compose_all, hydra_at, searchpath
from sparring.config.explain import readable_errors
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR
from sparring.core.wording import listing
from sparring.study.cells.recipes import budget
from sparring.study.engine.context import StudyContext

SHORT = {"generator_optimizer": "G", "discriminator_optimizer": "D", "optimizer": "lr"}


@dataclass(frozen=True)
class Axis:
    """One optimizer of the recipe and the rates that it is tried at, ascending.

    Args:
        optimizer: its setting below `model`, such as "generator_optimizer".
        rates: each above 0.
        own: the rate of the recipe itself.
    """

    optimizer: str
    rates: tuple[float, ...]
    own: float

    @property
    def key(self) -> str:
        """The setting on the command line of a training."""
        return f"model.{self.optimizer}.lr"

    @property
    def short(self) -> str:
        """In names of cells: G, D, lr, or the optimizer's name."""
        return SHORT.get(self.optimizer, self.optimizer.removesuffix("_optimizer"))

    @property
    def words(self) -> str:
        """In tables."""
        player = self.optimizer.removesuffix("optimizer").rstrip("_").replace("_", " ")
        return f"learning rate of the {player}" if player else "learning rate"


def own_rates(context: StudyContext, model: Sequence[str]) -> tuple[dict[str, float], bool]:
    """(learning rate of each optimizer of a recipe, whether the recipe has a generator), from its configuration.

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
        generates = "generator" in config.model or "velocity" in config.model
    if not rates:
        raise ConfigError(f"{listing(model)} has no optimizer whose learning rate could be chosen.")
    return rates, generates


def grid_axes(
    own: Mapping[str, float], factors: Sequence[float], given: Mapping[str, Sequence[float] | None]
) -> list[Axis]:
    """The axes of the grid: the generator's and the discriminator's rate, or that of the model's only optimizer.

    Args:
        own: rate of each optimizer of the recipe.
        factors: times its own, where no rates are given.
        given: optimizer -> rates; None: not given.

    Raises:
        ConfigError: rates of an optimizer that the recipe does not have, no positive rates, one twice, or a grid of one point.
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
        if not rates or not all(rate > 0 for rate in rates) or len(set(rates)) < len(rates):
            raise ConfigError(f"{where} must hold one or more numbers above 0, none twice.")
        axes.append(Axis(name, tuple(sorted(map(float, rates))), own[name]))
    if all(len(axis.rates) == 1 for axis in axes):
        raise ConfigError(
            f"The grid has one point ({', '.join(f'{axis.key}={axis.rates[0]:g}' for axis in axes)}), and nothing to compare it "
            "with: give study.factors two or more values, such as [0.25,1,4]."
        )
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
    return [f"{axis.key}={rate:g}" for axis, rate in zip(axes, rates, strict=True)]


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
