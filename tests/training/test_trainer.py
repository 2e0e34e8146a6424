"""Budgets and devices from the settings."""

import pytest

from sparring.core.errors import ConfigError
from sparring.training.trainer import device_count, iterations
from tests.conftest import compose


@pytest.mark.parametrize(
    ("overrides", "budget"),
    [
        (["trainer.max_steps=70"], 70),
        (["trainer.max_epochs=3"], 60),  # replaces max_steps' default of 1000
        (["trainer.max_epochs=100"], 2000),
    ],
)
def test_budget_in_iterations(overrides: list[str], budget: int) -> None:
    assert iterations(compose(*overrides), per_epoch=20) == budget


@pytest.mark.parametrize("override", ["trainer.max_steps=0", "trainer.max_steps=-1", "trainer.max_epochs=0"])
def test_no_budget_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="no iterations"):
        iterations(compose(override), per_epoch=20)


@pytest.mark.parametrize(("devices", "count"), [("1", 1), ("2", 2), ("[0,1,2]", 3), ("auto", 1)])
def test_device_count(devices: str, count: int) -> None:
    assert device_count(compose("trainer.accelerator=cpu", f"trainer.devices={devices}").trainer) == count


@pytest.mark.parametrize("devices", ["0", "-2", "[]"])
def test_impossible_devices_are_refused(devices: str) -> None:
    with pytest.raises(ConfigError, match="not a number of devices"):
        device_count(compose(f"trainer.devices={devices}").trainer)
