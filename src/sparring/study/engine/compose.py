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

from sparring.config.check import CHECKS, check_choice, runs_fit
from sparring.config.compose import compose_all, hydra_at, resolved
from sparring.config.explain import readable_errors
from sparring.config.groups import Groups
from sparring.config.plain import plain
from sparring.core.errors import ConfigError
from sparring.core.wording import listing
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from sparring.study.engine.ignored import check_overrides, check_typed

# Settings of `data` that no user changes for the whole study: each replicate draws the seeds, the cache is one.
_NOT_TYPED = ("seed", "subset_seed", "cache_dir")


@dataclass(frozen=True)
class _Base:
    """A verb's configuration with its groups chosen and no value set; `hydra` is what its interpolations look up."""

    task: DictConfig
    hydra: DictConfig


class Composer:
    """Composes cells. Choices of groups are composed once each (0.1 s); values are then set in a copy (10 ms).

    To be used inside `composing`.

    Args:
        context: what the cells share.
        config_dir: folder of the configuration, `conf/`.
        search_path: overrides that say where further configurations lie (`hydra.searchpath=[...]`).
    """

    def __init__(self, context: StudyContext, config_dir: Path, search_path: Sequence[str]) -> None:
        self._context, self._config_dir, self._search_path = context, config_dir, list(search_path)
        self._parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        self._groups: dict[str, Groups] = {}
        self._bases: dict[tuple[str, ...], _Base] = {}
        self._current: _Base | None = None  # whose `hydra` is set in HydraConfig
        self._sections: list[Mapping[str, Any]] = []  # the data of every cell so far that takes the study's
        self.data_settings = changed_data(context, self._search_path)

    def __call__(
        self, verb: str, overrides: Sequence[str], run_dir: Path, data_section: str | None = None
    ) -> dict[str, Any]:
        """What `python <verb>.py <overrides>` gives its stage, with the study's paths and `run_dir`, as plain values.

        Args:
            verb: the stage.
            overrides: as on its command line.
            run_dir: the cell's run directory.
            data_section: see `Cell.data_section`.

        Raises:
            ConfigError: an override names nothing, or a setting has no value.
        """
        overrides = self._with_study(verb, overrides)
        with readable_errors(ValueError):
            if verb not in self._groups:
                self._groups[verb] = Groups(verb, self._search_path)
            groups = self._groups[verb]
            parsed = self._parser.parse_overrides(list(overrides))
            chosen = [item for item in parsed if groups.chosen_by(item)]
            choices = tuple(str(item.input_line) for item in chosen)
            if (verb, *choices) not in self._bases:
                for item in chosen:
                    check_choice(item, groups)
            base = self._base(verb, choices)
            config = copy.deepcopy(base.task)
            if data_section is None and verb == "train" and f"data={self._context.dataset}" in overrides:
                data_section = "data"
            for key, value in self.data_settings.items() if data_section else ():
                OmegaConf.update(config, f"{data_section}.{key}", value)
            ConfigLoaderImpl._apply_overrides_to_config([item for item in parsed if not groups.chosen_by(item)], config)
            for name, folder in {**self._context.paths, "run_dir": str(run_dir)}.items():
                OmegaConf.update(config, f"paths.{name}", folder)
            if packages := self._context.build.extensions:
                OmegaConf.update(config, "extensions", list(packages))
            if self._current is not base:  # 7 ms
                HydraConfig.instance().set_config(base.hydra)
                self._current = base
            OmegaConf.resolve(config)
        if data_section:
            self._sections.append(plain(OmegaConf.select(config, data_section)))
        OmegaConf.set_struct(config, True)
        _check(verb, config)
        return plain(config)

    def check_overrides(self, cell: Cell) -> None:
        """Raise ConfigError where the cell replaces what was typed for all trainings, or for it, by another value."""
        if cell.verb == "train":
            check_overrides(self._context.train, cell.overrides)

    def check_typed(self) -> None:
        """Raise ConfigError where no cell so far has a setting that was typed for the study's data."""
        check_typed(self.data_settings, self._sections)

    def _with_study(self, verb: str, overrides: Sequence[str]) -> list[str]:
        """For a training: the data set, unless the cell chooses its own, and the user's overrides for all trainings."""
        if verb != "train":
            return list(overrides)
        chooses_data = any(item.startswith("data=") for item in overrides)
        data = [] if chooses_data else [f"data={self._context.dataset}"]
        return ["report=false", *data, *self._context.train, *overrides]

    def _base(self, verb: str, choices: tuple[str, ...]) -> _Base:
        if (verb, *choices) not in self._bases:
            whole = compose_all(verb, [*self._search_path, *choices])
            self._current = None
            task = OmegaConf.masked_copy(whole, [str(key) for key in whole if key != "hydra"])
            task._set_parent(None)
            OmegaConf.set_struct(task, True)
            self._bases[verb, *choices] = _Base(task, whole)
        return self._bases[verb, *choices]


def changed_data(context: StudyContext, search_path: Sequence[str]) -> dict[str, Any]:
    """Settings of the study's `data` (dotted, without `data.`) that were changed from those of the data set.

    Args:
        context: of the study; Hydra's configuration folder is that of `composing` or `hydra_at`.
        search_path: overrides that say where further configurations lie.
    """
    with readable_errors():
        default = compose_all("study", [*search_path, f"data={context.dataset}", f"seed={context.seed}"])
        required = [key.removeprefix("data.") for key in OmegaConf.missing_keys(default.data)]
        given = dict(_leaves(context.data))
        for key in required:
            OmegaConf.update(default, f"data.{key}", given[key])
        defaults = dict(_leaves(OmegaConf.to_container(resolved(default).data)))
    return {
        key: value
        for key, value in given.items()
        if key not in _NOT_TYPED and (key in required or defaults.get(key, ...) != value)
    }


@contextmanager
def composing(context: StudyContext, config_dir: Path, search_path: Sequence[str] = ()) -> Iterator[Composer]:
    """A Composer for the cells of a study; Hydra's global state is that of the composer inside.

    Args:
        context: what the cells share.
        config_dir: folder of the configuration, `conf/`.
        search_path: overrides that say where further configurations lie (`hydra.searchpath=[...]`).
    """
    with hydra_at(config_dir, "study"):
        yield Composer(context, config_dir, search_path)


def _check(verb: str, config: DictConfig) -> None:
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise ConfigError(f"{listing(missing)} of a {verb} cell must be given: add it to the overrides of the cell.")
    for function in CHECKS:
        if function is not runs_fit:  # the cell that creates the run comes first
            function(config)
    devices = OmegaConf.select(config, "trainer.devices")
    if devices is not None and devices != 1 and not (OmegaConf.is_list(devices) and len(devices) == 1):
        raise ConfigError(
            f"trainer.devices={devices} cannot be used in a study, whose cells run on one device each; use executor.workers."
        )


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything in nested mappings that is no mapping."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
