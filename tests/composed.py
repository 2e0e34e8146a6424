"""Configurations for tests: choices of groups are composed once each (0.2 s), values are then set in a copy (2 ms)."""

import os
import pickle
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.default_element import InputDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobRuntime
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from sparring.config import check as sparring_check
from sparring.config import compose as sparring_compose
from sparring.config.groups import Groups
from sparring.config.prune import prune_overrides
from sparring.config.read_once import read_once
from sparring.core.package import CONFIG_DIR


def compose(config_name: str, *overrides: str) -> DictConfig:
    """`composed`, faster; tests/config/test_composed.py holds that both are the same."""
    with initialize_config_dir(str(CONFIG_DIR), version_base=None):
        read_once()
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        parsed = parser.parse_overrides(list(overrides))
        chosen = [item for item in parsed if _chooses(config_name, item)]
        values = [item for item in parsed if item not in chosen]
        if any(item.is_hydra_override() for item in values):
            return composed(config_name, *overrides)
        config: DictConfig = pickle.loads(_base(config_name, tuple(str(item.input_line) for item in chosen)))
        try:
            ConfigLoaderImpl._apply_overrides_to_config(values, config)
        except HydraException:  # a setting that `prune_overrides` took out of the copy, or none at all
            return composed(config_name, *overrides)
        return config


def composed(config_name: str, *overrides: str) -> DictConfig:
    """The verb's configuration without its `hydra` node, unresolved, in struct mode. Inside of `initialize_config_dir`."""
    whole = hydra_compose(config_name, overrides=list(overrides), return_hydra_config=True)
    prune_overrides(whole, whole.hydra)
    task = OmegaConf.masked_copy(whole, [str(key) for key in whole if key != "hydra"])
    task._set_parent(None)
    OmegaConf.set_struct(task, True)
    return task


def spare_interpolation_maps() -> Callable[..., DictConfig]:
    """From now on Hydra maps all choices for `${...}` in lists of defaults only where one has any: a quarter of a composition.

    Returns what did it before.
    """
    whole = defaults_list._create_interpolation_map

    def where_needed(overrides: Any, defaults: list[InputDefault], self_added: bool) -> DictConfig:
        needed = any(not item.is_self() and item.is_interpolation() for item in defaults)
        return whole(overrides, defaults, self_added) if needed else OmegaConf.create()

    defaults_list._create_interpolation_map = where_needed
    return whole


HYDRAS_OWN_MAP = spare_interpolation_maps()


def remember_choices() -> Callable[[str, Sequence[str]], DictConfig]:
    """From now on sparring composes what is in conf/ from its choices, composed once each; returns what did it before."""
    whole = sparring_compose.as_hydra_composes

    def remembered(config_name: str, overrides: Sequence[str]) -> DictConfig:
        parsed = _without_surprise(overrides)
        if parsed is None:
            return whole(config_name, overrides)
        chosen = [item for item in parsed if _chooses(config_name, item)]
        lines = tuple(str(item.input_line) for item in chosen)
        key = (config_name, JobRuntime.instance().get("name"), *lines)
        if key not in _WHOLE:
            _WHOLE[key] = pickle.dumps(whole(config_name, lines))
        config: DictConfig = pickle.loads(_WHOLE[key])
        try:
            ConfigLoaderImpl._apply_overrides_to_config([item for item in parsed if item not in chosen], config)
        except HydraException:
            return whole(config_name, overrides)
        _record(parsed, config.hydra)
        return config

    for module in (sparring_compose, sparring_check):
        module.as_hydra_composes = remembered  # type: ignore[attr-defined]
    return whole


_WHOLE: dict[tuple[str, ...], bytes] = {}


def _without_surprise(overrides: Sequence[str]) -> list[Override] | None:
    """The overrides if Hydra reads conf/ alone and each is for one run, else None."""
    loader = GlobalHydra.instance().config_loader()
    folders = [item.path for item in loader.get_search_path().get_path() if item.provider == "main"]
    if folders != [str(CONFIG_DIR)] or any(item.startswith(sparring_compose.SEARCHPATH) for item in overrides):
        return None
    try:
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
    except HydraException:
        return None
    return None if any(item.is_sweep_override() for item in parsed) else parsed


def _record(parsed: list[Override], hydra: DictConfig) -> None:
    """What was typed, in its order, as Hydra does."""
    typed = [item for item in parsed if not item.is_hydra_override()]
    hydra.overrides.task = [item.input_line for item in typed]
    hydra.overrides.hydra = [item.input_line for item in parsed if item.is_hydra_override()]
    form = hydra.job.config.override_dirname
    hydra.job.override_dirname = get_overrides_dirname(
        typed, kv_sep=form.kv_sep, item_sep=form.item_sep, exclude_keys=form.exclude_keys
    )
    hydra.runtime.cwd = os.getcwd()


SPARRINGS_OWN = remember_choices()


@cache
def _base(config_name: str, chosen: tuple[str, ...]) -> bytes:
    return pickle.dumps(composed(config_name, *chosen))


@cache
def _groups(config_name: str) -> Groups:
    return Groups(config_name, [])


def _chooses(config_name: str, item: Override) -> bool:
    return item.package is not None or _groups(config_name).chosen_by(item)
