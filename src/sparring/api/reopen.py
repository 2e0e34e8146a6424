"""Opening a run that was trained with Python objects: what is given again must be what the run was trained with."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from sparring.api.compose import checked
from sparring.api.folder import move
from sparring.api.images import content_of
from sparring.api.own_data import keep
from sparring.config.build import Builder
from sparring.config.plain import plain
from sparring.core.errors import ConfigError, DataError
from sparring.core.terminal import say
from sparring.run.directory import RunDir
from sparring.run.saved import left_out, local_loggers, settings_here
from sparring.run.settings import given_in


def check_given(run: RunDir, given: Mapping[str, nn.Module]) -> None:
    """Raise ConfigError where the run builds a network by itself that was given; shapes are checked with its weights."""
    known = given_in(run.config["model"]) if given else ()
    for name in given:
        if name not in known:
            raise ConfigError(f"{run.path} was not trained with a {name} made in Python: leave {name}= out.")


def give_back(run: RunDir, data: Any, *, build: Builder) -> None:
    """Put the images into the cache of this computer again.

    Raises:
        DataError: they are not those that the run was trained on.
    """
    here = checked("train", [])
    settings, content = run.config["data"] | {"cache_dir": here.paths.cache_dir}, content_of(data)
    known = (settings.get("source") or {}).get("fingerprint")
    if known != content.fingerprint:
        raise DataError(
            f"{run.path} was trained on {'other images' if known else 'a data set that it reads by itself'}: "
            f"{'give those' if known else 'leave data= out'}."
        )
    keep(content, settings, build=build)


def resumable(run: RunDir, typed: list[str]) -> DictConfig:
    """The settings that a run goes on with; what its file may not set, such as where to write, is this computer's.

    Args:
        typed: the caller's own choice of loggers and paths, as overrides; none: the run's loggers that write into it alone.

    Raises:
        CheckpointError: the file is damaged. ConfigError: `typed` names nothing that exists.
    """
    saved = run.config
    chosen = any(item.partition("=")[0] == "logger" for item in typed)
    own = [] if chosen else [f"logger=[{','.join(local_loggers(saved))}]"]
    composed = checked("train", [*own, *typed])
    move(composed, composed.paths.run_dir, str(run.path))
    here = plain(composed)
    if missing := left_out(saved, here):
        say(
            f"Not taken from {run.path}, since a file may not set it: {', '.join(missing)}. Give it to sparring.train again if "
            "it is yours."
        )
    config = OmegaConf.create(settings_here(saved, here, run.path))
    OmegaConf.set_struct(config, True)
    return config
