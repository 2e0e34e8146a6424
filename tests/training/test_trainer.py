"""Budgets and devices from the settings."""

from dataclasses import replace

import pytest

from sparring.core.errors import ConfigError
from sparring.training.settings import TrainerSettings
from sparring.training.trainer import ACCELERATORS, check_accelerator, check_launcher, iterations, world_size
from tests.conftest import compose


def trainer(*overrides: str) -> TrainerSettings:
    return TrainerSettings.of(compose(*overrides).trainer)


@pytest.mark.parametrize(
    ("overrides", "budget"),
    [
        (["trainer.max_steps=70"], 70),
        (["trainer.max_epochs=3"], 60),  # replaces max_steps' default of 1000
        (["trainer.max_epochs=100"], 2000),
    ],
)
def test_budget_in_iterations(overrides: list[str], budget: int) -> None:
    assert iterations(trainer(*overrides), per_epoch=20) == budget


@pytest.mark.parametrize("override", ["trainer.max_steps=0", "trainer.max_steps=-1", "trainer.max_epochs=0"])
def test_no_budget_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="no iterations"):
        iterations(trainer(override), per_epoch=20)


@pytest.mark.parametrize(
    ("devices", "nodes", "count"), [("1", 1, 1), ("2", 1, 2), ("[0,1,2]", 1, 3), ("auto", 1, 1), ("2", 3, 6)]
)
def test_devices_of_all_nodes(devices: str, nodes: int, count: int) -> None:
    settings = trainer("trainer.accelerator=cpu", f"trainer.devices={devices}", f"trainer.num_nodes={nodes}")
    assert world_size(settings) == count


@pytest.mark.parametrize("devices", ["0", "-2", "[]"])
def test_impossible_devices_are_refused(devices: str) -> None:
    with pytest.raises(ConfigError, match="not a number of devices"):
        world_size(trainer(f"trainer.devices={devices}"))


@pytest.mark.parametrize(
    "variables",
    [{"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}, {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}],
)
def test_a_launcher_with_more_processes_than_asked_for(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them would train the whole run by itself."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"started 2 processes, and trainer.devices=1 .* asks for 1"):
        check_launcher(trainer())
    check_launcher(trainer("trainer.devices=2"))


@pytest.mark.parametrize("name", ["tpu", "hpu", "GPU"])
def test_accelerators_that_nobody_tried_are_refused(name: str) -> None:
    settings = trainer()
    with pytest.raises(ConfigError, match=f"trainer.accelerator={name} is not supported: give one of auto, cpu"):
        check_accelerator(replace(settings, accelerator=name))
    for known in ACCELERATORS:
        check_accelerator(replace(settings, accelerator=known))


def test_slurm_says_how_many_devices_and_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert world_size(trainer("trainer=slurm")) == 1
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "4")
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    assert world_size(trainer("trainer=slurm")) == 8
