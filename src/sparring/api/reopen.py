"""Opening a run that was trained with Python objects: what is given again must be what the run was trained with."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from sparring.api.images import content_of
from sparring.api.own_data import keep
from sparring.config.build import Builder
from sparring.core.errors import ConfigError, DataError
from sparring.run.directory import RunDir
from sparring.run.settings import given_in


def check_given(run: RunDir, given: Mapping[str, nn.Module]) -> None:
    """Raise ConfigError where the run builds a network by itself that was given; shapes are checked with its weights."""
    known = given_in(run.config["model"]) if given else ()
    for name in given:
        if name not in known:
            raise ConfigError(f"{run.path} was not trained with a {name} made in Python: leave {name}= out.")


def give_back(run: RunDir, data: Any, *, build: Builder) -> None:
    """Put the images into the cache again.

    Raises:
        DataError: they are not those that the run was trained on.
    """
    settings, content = run.config["data"], content_of(data)
    known = (settings.get("source") or {}).get("fingerprint")
    if known != content.fingerprint:
        raise DataError(
            f"{run.path} was trained on {'other images' if known else 'a data set that it reads by itself'}: "
            f"{'give those' if known else 'leave data= out'}."
        )
    keep(content, settings, build=build)
