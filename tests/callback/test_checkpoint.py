"""A disk that is full costs a save, three in a row the run; a broken state is never saved."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.core.atomic import disk_error
from sparring.core.errors import DiskError, DivergedError
from sparring.run.checkpoint import VerifiedCheckpointIO
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.training.training import Training
from tests.conftest import TINY, compose

SETTINGS = ["trainer=cpu", "trainer.max_steps=6", "callback.checkpoint.every=1", "data.batch_size=8"]


@pytest.fixture(autouse=True)
def _no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_report", lambda training: training.run.report)


def start(folder: Path, cache_dir: Path) -> dict[str, Any]:
    config = compose(*TINY, *SETTINGS, f"paths.cache_dir={cache_dir}", run_dir=folder)
    return train(config, folder)


def fill_disk(monkeypatch: pytest.MonkeyPatch, fails: set[int]) -> None:
    """Save number i (from 1) fails with ENOSPC for i in `fails`."""
    count = 0
    original = VerifiedCheckpointIO.save_checkpoint

    def save(self: VerifiedCheckpointIO, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        nonlocal count
        count += 1
        if count in fails:
            raise disk_error(Path(path), OSError(errno.ENOSPC, "No space left on device"))
        original(self, checkpoint, path, storage_options)

    monkeypatch.setattr(VerifiedCheckpointIO, "save_checkpoint", save)


def saved_iteration(folder: Path) -> int:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["clock"]["iteration"]


def test_two_failures_in_a_row_are_survived(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill_disk(monkeypatch, {2, 3, 5})
    assert start(tmp_path / "run", cache_dir)["clock"]["iteration"] == 6
    assert saved_iteration(tmp_path / "run") == 6
    assert sum("Training goes on" in record.message for record in caplog.records) == 3


def test_the_third_failure_stops_and_the_file_before_stays(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, {3, 4, 5})
    with pytest.raises(DiskError, match="failure 3 in a row"):
        start(tmp_path / "run", cache_dir)
    assert saved_iteration(tmp_path / "run") == 2
    status = RunDir(tmp_path / "run").status()
    assert status is not None
    assert (status["state"], status["exit_code"], status["checkpoint"]) == ("failed", 7, "checkpoints/last.ckpt")


def test_the_last_save_must_succeed(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch, {6})
    with pytest.raises(DiskError, match="iteration 6 could not be saved"):
        start(tmp_path / "run", cache_dir)
    assert saved_iteration(tmp_path / "run") == 5


def test_weights_with_nan_are_named_and_not_saved(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparring.callback.signals import Signals

    def poison(self: Signals, trainer: Any, module: Any, *rest: Any) -> None:
        if module.clock.iteration == 3:
            module.ema.to_image.bias.data.fill_(float("nan"))

    monkeypatch.setattr(Signals, "on_train_batch_end", poison)  # runs right before the checkpoint callback
    with pytest.raises(
        DivergedError, match=r"ema\.to_image\.bias .* iteration 3.*last good checkpoint is .*last\.ckpt"
    ):
        start(tmp_path / "run", cache_dir)
    assert saved_iteration(tmp_path / "run") == 2


def test_a_stage_called_as_a_function_leaves_a_readable_run(tmp_path: Path, cache_dir: Path) -> None:
    result = start(tmp_path / "run", cache_dir)
    run = RunDir.open(tmp_path / "run")
    assert run.result()["config_hash"] == result["config_hash"]
    assert run.config["name"] != "???"


def test_data_without_a_val_split_are_saved_where_validation_would_be_due(tmp_path: Path, cache_dir: Path) -> None:
    given = [*TINY, *SETTINGS, "data.val_fraction=0", "trainer.max_steps=2", "trainer.val_check_interval=2"]
    config = compose(*given, "callback.checkpoint.every=2", f"paths.cache_dir={cache_dir}", run_dir=tmp_path)
    train(config, tmp_path)
    assert RunDir.open(tmp_path).load_weights()
    assert (tmp_path / "checkpoints" / "last.ckpt").exists()
