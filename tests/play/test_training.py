"""Trainings that the page starts."""

import sys
import time
from pathlib import Path

import pytest

from sparring.core.errors import ConfigError
from sparring.play.training import Trainings
from sparring.play.watch import watched


def test_what_the_page_does_not_offer_is_refused(tmp_path: Path) -> None:
    trainings = Trainings(tmp_path, str(tmp_path))
    for model, data, steps in (
        ("stylegan2", "digits", 5),
        ("gan", "cifar10", 5),
        ("gan", "digits", 10**6),
        ("dcgan", "toy2d", 5),
    ):
        with pytest.raises(ConfigError):
            trainings.start(model, data, steps, 0)
    assert trainings.running is None
    assert not trainings.stop()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'step 1' >&2; echo 'error: the disk is full' >&2; exit 3", "error: the disk is full"),
        ("exit 4", "exit code 4"),
    ],
)
def test_a_training_that_dies_at_once_leaves_its_last_words(
    tmp_path: Path, script: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    trainings = Trainings(tmp_path, str(tmp_path))
    run = trainings.start("gan", "digits", 5, 1)
    deadline = time.monotonic() + 60
    while trainings.running and time.monotonic() < deadline:
        time.sleep(0.02)
    said = trainings.last_words(run)
    assert said is not None
    assert said.startswith(words)
    assert watched(run, said).words == f"{run.name} ended before it began: {said}"
    assert trainings.last_words(tmp_path / "another") is None


@pytest.mark.slow
def test_a_training_runs_one_at_a_time_and_stops(tmp_path: Path, cache_dir: Path) -> None:
    trainings = Trainings(tmp_path / "logs", str(cache_dir))
    (tmp_path / "logs").mkdir()
    run = trainings.start("gan", "toy2d", 5000, 1)
    assert trainings.running == run
    assert trainings.last_words(run) is None
    with pytest.raises(ConfigError, match="still training, and one runs at a time"):
        trainings.start("gan", "digits", 5, 1)
    deadline = time.monotonic() + 200
    while "iteration" not in watched(run).words and time.monotonic() < deadline:
        time.sleep(0.5)
    assert watched(run).running
    assert watched(run).samples is not None
    assert trainings.stop()
    assert trainings.running is None
    assert "is interrupted" in watched(run).words
