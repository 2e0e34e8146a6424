"""Spaces and classes that a generator does not have."""

from dataclasses import replace
from typing import Any

import pytest

from sparring.core.errors import ConfigError
from sparring.explanation.latent_space import space_of
from sparring.explanation.settings import ExplainSettings
from sparring.trained.networks import TrainedGenerator
from tests.conftest import compose
from tests.direction.planted import Planted

CONDITIONAL = TrainedGenerator(Planted(), None, 6, 1, ("bright", "dark"), None, {})


def settings(*overrides: str) -> ExplainSettings:
    return ExplainSettings.of(compose("run=x", "device=cpu", "paths.cache_dir=cache", *overrides, config="explain"))


def test_a_class_by_name_is_the_label_of_all_codes() -> None:
    assert space_of(settings("label=dark"), CONDITIONAL, None).label == 1
    assert space_of(settings(), CONDITIONAL, None).name == "z"


@pytest.mark.parametrize(
    ("generator", "override", "message"),
    [
        (
            replace(CONDITIONAL, class_names=()),
            "label=1",
            "label=1 asks for a class, but this generator was trained without",
        ),
        (CONDITIONAL, "label=grey", r"label=grey is no class of this run\. It has 0 \(bright\), 1 \(dark\)"),
        (CONDITIONAL, "space=w", "space=w asks for styles"),
    ],
)
def test_what_the_generator_does_not_have_is_refused(generator: Any, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        space_of(settings(override), generator, None)
