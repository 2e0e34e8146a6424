"""Signals while a run trains, and what is left of them afterwards."""

import gc
import os
import signal
from pathlib import Path

import lightning.pytorch as L
import pytest

from sparring.callback.checkpoint import Checkpoint
from sparring.callback.signals import HANDLED
from sparring.core.errors import Interrupted
from sparring.run.directory import RunDir
from sparring.run.requeue import ASKED
from sparring.stage.train import train
from sparring.training.training import Training
from tests.conftest import TINY, compose


@pytest.mark.slow
def test_after_a_run_the_callers_handlers_are_back_and_nothing_holds_the_trainer(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning's handlers hold its trainer, and with it the whole data set."""
    monkeypatch.setattr(Training, "_report", lambda training: training.run.report)
    before = {number: signal.getsignal(number) for number in HANDLED}
    gc.collect()
    trainers = sum(isinstance(each, L.Trainer) for each in gc.get_objects())
    for number in range(2):
        config = compose(
            *TINY, "trainer=cpu", "trainer.max_steps=2", f"paths.cache_dir={cache_dir}", run_dir=tmp_path / f"{number}"
        )
        train(config, tmp_path / f"{number}")
        assert {number: signal.getsignal(number) for number in HANDLED} == before
    gc.collect()
    assert sum(isinstance(each, L.Trainer) for each in gc.get_objects()) <= trainers


@pytest.mark.parametrize("auto", ["1", ""])
def test_a_job_of_slurm_that_can_go_on_is_saved_requeued_once_and_ended(
    auto: str, tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without resume=auto, the same command would start from nothing: the run saves and trains on."""
    monkeypatch.setattr(Training, "_report", lambda training: training.run.report)
    scontrol = tmp_path / "scontrol"
    scontrol.write_text('#!/bin/sh\necho "$@" >> "$0.log"\n')
    scontrol.chmod(0o755)
    slurm = {"SLURM_JOB_ID": "8", "SLURM_JOB_NAME": "bash", ASKED: auto, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    after_batch = Checkpoint.on_train_batch_end

    def signalled(self: Checkpoint, trainer: L.Trainer, *others: object) -> None:
        if trainer.lightning_module.clock.iteration == 2:
            monkeypatch.setenv(
                "SLURM_JOB_NAME", "batch"
            )  # from here on; Lightning would look for SLURM's other variables
            for number in (signal.SIGUSR1, signal.SIGUSR2):
                os.kill(os.getpid(), number)
        after_batch(self, trainer, *others)

    monkeypatch.setattr(Checkpoint, "on_train_batch_end", signalled)
    config = compose(
        *TINY, "trainer=cpu", "trainer.max_steps=4", f"paths.cache_dir={cache_dir}", run_dir=tmp_path / "run"
    )
    if not auto:
        train(config, tmp_path / "run")
        assert not Path(f"{scontrol}.log").exists()
        return
    with pytest.raises(Interrupted, match="go on with") as stopped:
        train(config, tmp_path / "run")
    status = RunDir(tmp_path / "run").status() or {}
    assert status["state"] == "interrupted"
    assert stopped.value.exit_code == status["exit_code"] == 128 + signal.SIGUSR2
    assert 2 <= status["clock"]["iteration"] <= 3
    assert Path(f"{scontrol}.log").read_text() == "requeue 8\n"
