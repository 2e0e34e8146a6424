"""What a sweeper that searches is told of a job."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from sparring.cli.again import expand_sweep
from sparring.cli.objective import OBJECTIVE, told
from sparring.cli.sweep import JobOutcome, SweepJob
from sparring.core.errors import ConfigError

MAXIMIZE = OmegaConf.create({"direction": "maximize"})
METRICS: dict[str, Any] = {
    "val/accuracy": {"value": 0.75, "direction": "higher"},
    "val/empty": {"value": None, "direction": "higher"},
    "val/agreement": {"value": 0.5, "direction": "near_reference"},
    "train/diversity": {"value": 0.5, "direction": "near_reference"},
    "test/accuracy": {"value": 0.5, "direction": "higher"},
}


def outcome(folder: Path, exit_code: int = 0, metrics: Mapping[str, Any] = METRICS) -> JobOutcome:
    (folder / "result.json").write_text(json.dumps({"metrics": metrics}))
    return JobOutcome(SweepJob(0, (), (), folder), exit_code, 1.0, "finished", "")


def test_a_finished_job_is_worth_its_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(outcome(tmp_path), {}) == 0  # nothing is searched: the exit code
    monkeypatch.setenv(OBJECTIVE, "val/accuracy")
    assert told(outcome(tmp_path), MAXIMIZE) == 0.75
    assert told(outcome(tmp_path, 4), MAXIMIZE) is None
    with pytest.raises(ConfigError, match=r"better when it is higher: add hydra\.sweeper\.direction=maximize"):
        told(outcome(tmp_path), OmegaConf.create({"direction": "minimize"}))
    monkeypatch.setenv(OBJECTIVE, "val/acuracy")
    with pytest.raises(ConfigError, match="which have val/accuracy and val/empty; a GAN"):
        told(outcome(tmp_path), MAXIMIZE)
    gan = {"train/diversity": METRICS["train/diversity"], "test/fd": {"value": 3.0, "direction": "lower"}}
    with pytest.raises(ConfigError, match=r"have none to choose by; a GAN .* study=learning_rate study.search=tpe`\.$"):
        told(outcome(tmp_path, metrics=gan), MAXIMIZE)


def test_a_metric_without_a_better_end_is_refused_and_one_without_a_value_fails_its_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OBJECTIVE, "val/agreement")
    with pytest.raises(ConfigError, match="val/agreement has no better end"):
        told(outcome(tmp_path), OmegaConf.create({"direction": "minimize"}))
    monkeypatch.setenv(OBJECTIVE, "val/empty")
    assert told(outcome(tmp_path), MAXIMIZE) is None
    nan = {"val/empty": {"value": math.nan, "direction": "higher"}}
    assert told(outcome(tmp_path, metrics=nan), MAXIMIZE) is None


def test_a_search_without_an_objective_or_by_test_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OBJECTIVE, "")
    with pytest.raises(ConfigError, match=r"add a metric .* sweep\.objective=val/accuracy"):
        expand_sweep(["hydra/sweeper=optuna"], sweep=True)
    with pytest.raises(ConfigError, match="choose by val/accuracy"):
        expand_sweep(["hydra/sweeper=optuna", "sweep.objective=test/accuracy"], sweep=True)
    with pytest.raises(ConfigError, match="images that it has learned"):
        expand_sweep(["hydra/sweeper=optuna", "sweep.objective=train/diversity"], sweep=True)
    assert expand_sweep(["seed=1,2"], sweep=True) == ["seed=1,2"]
