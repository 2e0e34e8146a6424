"""Every choice of `logger=` composes, brings metrics.csv along, and can be built."""

from pathlib import Path

import pytest

from sparring.config.build import build
from sparring.logger import RunLogger
from tests.conftest import compose

CHOICES = {
    "csv": {"csv"},
    "wandb": {"csv", "wandb"},
    "tensorboard": {"csv", "tensorboard"},
    "[csv,wandb]": {"csv", "wandb"},
    "[wandb,tensorboard]": {"csv", "wandb", "tensorboard"},
    "[csv,tensorboard,wandb]": {"csv", "wandb", "tensorboard"},
    "[]": set(),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_choices_compose_and_build(choice: str, tmp_path: Path) -> None:
    config = compose(f"logger={choice}", run_dir=tmp_path)
    assert set(config.logger) == CHOICES[choice]
    for name, node in config.logger.items():
        logger = build(node, section="logger")
        assert logger.name == name
        assert isinstance(logger, RunLogger)
    assert list(tmp_path.iterdir()) == []  # a run that is refused later leaves nothing behind


def test_settings_reach_the_logger(tmp_path: Path) -> None:
    overrides = ["logger=wandb", "logger.wandb.project=mine", "logger.wandb.tags=[a,b]", "logger.wandb.mode=disabled"]
    config = compose(*overrides, run_dir=tmp_path)
    assert (config.logger.wandb.project, list(config.logger.wandb.tags)) == ("mine", ["a", "b"])
    assert config.logger.wandb.save_dir == str(tmp_path)
    assert build(config.logger.wandb, section="logger").experiment is None


def test_default_is_csv(tmp_path: Path) -> None:
    config = compose(run_dir=tmp_path)
    assert set(config.logger) == {"csv"}
    assert config.logger.csv.path == f"{tmp_path}/metrics.csv"
