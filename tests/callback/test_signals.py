"""Signals while a run trains, and what is left of them afterwards."""

import gc
import signal
from pathlib import Path

import lightning.pytorch as L
import pytest

from sparring.callback.signals import HANDLED
from sparring.stage.train import train
from sparring.training.training import Training
from tests.conftest import TINY, compose


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
