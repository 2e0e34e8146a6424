"""The configurations of many cells, composed as the command line would, a hundred times faster."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from sparring.config.check import CHECKS, run_exists
from sparring.config.compose import compose_all, hydra_at, resolved
from sparring.config.explain import readable_errors
from sparring.config.groups import Groups
from sparring.core.errors import ConfigError
from sparring.core.wording import listing

_DRAWN = ("seed", "subset_seed", "cache_dir")  # of `data`: each replicate draws the seeds, the study has one cache


@dataclass(frozen=True)
class _Base:
    """A verb's configuration with its groups chosen and no value set; `hydra` is what its references look up."""

    task: DictConfig
    hydra: DictConfig


class Composer:
    """Composes cells. Choices of groups are composed once each (0.1 s); values are then set in a copy (10 ms).

    To be used inside `composing`.
    """

    def __init__(self, study: DictConfig, config_dir: Path, places: Sequence[str]) -> None:
        self._study, self._config_dir, self._places = study, config_dir, list(places)
        self._parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        self._groups: dict[str, Groups] = {}
        self._bases: dict[tuple[str, ...], _Base] = {}
        self._current: _Base | None = None  # whose `hydra` is Hydra's own now
        self.data_settings = self._changed_data()

    def __call__(self, verb: str, overrides: Sequence[str], run_dir: Path, data_at: str | None = None) -> DictConfig:
        """What `python <verb>.py <overrides>` gives its stage, with the study's paths and `run_dir`; resolved.

        data_at: see `Cell.data_at`.

        Raises:
            ConfigError: an override names nothing, or a setting has no value.
        """
        overrides = self._with_study(verb, overrides)
        with readable_errors(ValueError):
            groups = self._groups.setdefault(verb, Groups(verb, self._places))
            parsed = self._parser.parse_overrides(list(overrides))
            choices = tuple(str(item.input_line) for item in parsed if groups.chosen_by(item))
            base = self._base(verb, choices)
            config = copy.deepcopy(base.task)
            if data_at is None and verb == "train" and f"data={self._study.dataset}" in overrides:
                data_at = "data"
            for key, value in self.data_settings.items() if data_at else ():
                OmegaConf.update(config, f"{data_at}.{key}", value)
            ConfigLoaderImpl._apply_overrides_to_config([item for item in parsed if not groups.chosen_by(item)], config)
            for name, place in {**self._study.paths, "run_dir": str(run_dir)}.items():
                OmegaConf.update(config, f"paths.{name}", place)
            if self._study.extensions:
                OmegaConf.update(config, "extensions", list(self._study.extensions))
            if self._current is not base:  # 7 ms
                HydraConfig.instance().set_config(base.hydra)
                self._current = base
            OmegaConf.resolve(config)
        OmegaConf.set_struct(config, True)
        _check(verb, config)
        return config

    def _with_study(self, verb: str, overrides: Sequence[str]) -> list[str]:
        """For a training: the data set, unless the cell chooses its own, and what the user gave for all of them."""
        if verb != "train":
            return list(overrides)
        own = any(item.startswith("data=") for item in overrides)
        given = ["report=false", *([] if own else [f"data={self._study.dataset}"]), *self._study.train]
        return [*given, *overrides]

    def _base(self, verb: str, choices: tuple[str, ...]) -> _Base:
        if (verb, *choices) not in self._bases:
            whole = compose_all(verb, [*self._places, *choices])
            self._current = None
            task = OmegaConf.masked_copy(whole, [str(key) for key in whole if key != "hydra"])
            task._set_parent(None)
            OmegaConf.set_struct(task, True)
            self._bases[verb, *choices] = _Base(task, whole)
        return self._bases[verb, *choices]

    def _changed_data(self) -> dict[str, Any]:
        """Settings of the study's `data` (dotted, without `data.`) that were changed from those of the data set."""
        with readable_errors():
            default = compose_all("study", [*self._places, f"data={self._study.dataset}", f"seed={self._study.seed}"])
            required = [key.removeprefix("data.") for key in OmegaConf.missing_keys(default.data)]
            for key in required:  # what the data set wants from the user
                OmegaConf.update(default, f"data.{key}", OmegaConf.select(self._study.data, key))
            plain = dict(_leaves(resolved(default).data))
        given = dict(_leaves(self._study.data))
        return {k: v for k, v in given.items() if k not in _DRAWN and (k in required or plain.get(k, ...) != v)}


@contextmanager
def composing(study: DictConfig, config_dir: Path, places: Sequence[str] = ()) -> Iterator[Composer]:
    """A Composer for the cells of a study with the whole resolved configuration `study`.

    places: overrides that say where further configurations lie (`hydra.searchpath=[...]`).
    """
    with hydra_at(config_dir, "study"):
        yield Composer(study, config_dir, places)


def _check(verb: str, config: DictConfig) -> None:
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise ConfigError(f"{listing(missing)} of a {verb} cell must be given: add it to the overrides of the cell.")
    for function in CHECKS:
        if function is not run_exists:  # it will, once the cell that makes it is done
            function(config)
    devices = OmegaConf.select(config, "trainer.devices")
    if devices is not None and devices != 1 and not (OmegaConf.is_list(devices) and len(devices) == 1):
        raise ConfigError(
            f"trainer.devices={devices} cannot be used in a study, whose cells run on one device each; use executor.workers."
        )


def _leaves(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, DictConfig):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
