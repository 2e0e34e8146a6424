"""metrics.csv: exact numbers, one row per iteration, new columns, resume without duplicates, full disks, killed writers."""

import csv
import errno
import io
import logging
import math
import os
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import numpy as np
import pytest
import torch
from lightning.pytorch.utilities import rank_zero_only

from sparring.logger import RunLogger
from sparring.logger import csv as module
from sparring.logger.csv import CSVLogger


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(newline="")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "metrics.csv"


def test_columns_and_exact_values(path: Path) -> None:
    logger = CSVLogger(path=path)
    value = 0.1 + 0.2
    logger.log_metrics({"loss/generator": value, "images_seen": 64}, step=1)
    others: dict[str, Any] = {"images_seen": np.int64(128), "loss/generator": torch.tensor(0.5), "a,b": math.nan}
    logger.log_metrics(others, step=2)
    logger.log_metrics({"images_seen": 192}, step=3)
    text = path.read_text()
    assert text.splitlines()[0] == 'iteration,images_seen,loss/generator,"a,b"'
    assert [row["iteration"] for row in table(path)] == ["1", "2", "3"]
    assert float(table(path)[0]["loss/generator"]) == value
    assert table(path)[1] == {"iteration": "2", "images_seen": "128", "loss/generator": "0.5", "a,b": "nan"}
    assert table(path)[2]["loss/generator"] == ""


def test_the_same_iteration_shares_a_row(path: Path) -> None:
    logger = CSVLogger(path=path)
    logger.log_metrics({"images_seen": 64, "a": 1.0}, step=1)
    logger.log_metrics({"images_seen": 128, "a": 2.123456}, step=2)
    logger.log_metrics({"val": 7.0}, step=2)  # a new column
    logger.log_metrics({"val": 8.0, "a": 3.0}, step=2)  # an old one, and a shorter text
    assert [tuple(row.values()) for row in table(path)] == [("1", "64", "1.0", ""), ("2", "128", "3.0", "8.0")]


def test_a_row_is_on_disk_when_log_metrics_returns(path: Path) -> None:
    logger = CSVLogger(path=path)
    for step in range(1, 4):
        logger.log_metrics({"images_seen": step}, step=step)
        assert len(table(path)) == step


def test_resume_equals_no_interruption(path: Path, tmp_path: Path) -> None:
    def run(logger: CSVLogger, steps: range) -> None:
        for step in steps:
            logger.log_metrics({"images_seen": 64 * step, "loss": 1 / step}, step=step)

    straight, broken = tmp_path / "straight.csv", tmp_path / "broken.csv"
    run(CSVLogger(path=straight), range(1, 11))
    run(CSVLogger(path=broken), range(1, 8))
    with broken.open("a") as file:
        file.write("8,51")  # killed in the middle of a row
    logger = CSVLogger(path=broken)
    logger.continue_after(5)
    assert [row["iteration"] for row in table(broken)] == ["1", "2", "3", "4", "5"]
    run(logger, range(6, 11))
    assert broken.read_bytes() == straight.read_bytes()


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (lambda text: text, ""),
        (
            lambda text: text[: text.index(b"\n40,") + 1],
            "ends at iteration 30, and the run goes on from 60: the rows between are lost",
        ),
        (lambda text: text[: text.index(b"\n60,") + 5], "1 of its rows cannot be read"),
        (lambda text: text.replace(b"\n30,", b"\n30;"), "1 of its rows cannot be read"),
        (lambda text: text[:7], "has no whole line: the rows that it had are lost"),
        (lambda text: b"", "has no whole line: the rows that it had are lost"),
        (None, "is missing: the rows before iteration 60 are lost"),
    ],
    ids=["whole", "at the end of a line", "within a line", "a separator", "within the header", "empty", "missing"],
)
def test_rows_that_are_lost_are_said(path: Path, caplog: pytest.LogCaptureFixture, cut: Any, said: str) -> None:
    logger = CSVLogger(path=path)
    for step in range(10, 70, 10):
        logger.log_metrics({"images_seen": 64 * step, "loss": 1 / step}, step=step)
    if cut is None:
        path.unlink()
    else:
        path.write_bytes(cut(path.read_bytes()))
    resumed = CSVLogger(path=path)
    resumed.continue_after(60)
    assert said in caplog.text
    assert bool(said) == bool(caplog.records)
    resumed.log_metrics({"images_seen": 4480, "loss": 0.5}, step=70)
    assert table(path)[-1]["iteration"] == "70"


def test_continuing_without_truncation_keeps_every_row(path: Path) -> None:
    CSVLogger(path=path).log_metrics({"images_seen": 1, "a": 1.0}, step=1)
    CSVLogger(path=path).log_metrics({"images_seen": 2, "b": 2.0}, step=2)
    assert [tuple(row.values()) for row in table(path)] == [("1", "1", "1.0", ""), ("2", "2", "", "2.0")]


@pytest.mark.parametrize("merged", [False, True])
def test_full_disk_warns_once_and_loses_nothing(
    path: Path, merged: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    logger = CSVLogger(path=path)
    logger.log_metrics({"images_seen": 1, "a": 1.0}, step=1)

    def full(file: io.FileIO, start: int, data: bytes) -> None:
        file.seek(start)
        file.write(data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write_at", full)
        for step in (1 if merged else 2, 3):
            logger.log_metrics({"images_seen": step, "a": 5.0}, step=step)
    assert len(table(path)) == (0 if merged else 1)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the disk is full" in caplog.text
    logger.log_metrics({"images_seen": 4, "new": 1.0}, step=4)
    rows = {int(row["iteration"]): row["a"] for row in table(path)}
    assert rows == ({1: "5.0", 3: "5.0", 4: ""} if merged else {1: "1.0", 2: "5.0", 3: "5.0", 4: ""})


def test_other_ranks_write_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = CSVLogger(path=path)
    logger.log_metrics({"images_seen": 1}, step=1)
    logger.continue_after(0)
    logger.finalize("success")
    assert not path.parent.exists()


def test_as_lightnings_logger(path: Path) -> None:
    class Tiny(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            for logger in self.loggers:
                assert isinstance(logger, RunLogger)
                logger.log_metrics({"images_seen": batch_idx + 1, "loss": 0.5}, step=batch_idx + 1)
                logger.log_image("samples", np.zeros((2, 2, 3), np.uint8), step=batch_idx + 1)
            return self.layer(batch).sum()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    trainer = L.Trainer(
        max_steps=3, logger=[CSVLogger(path=path)], accelerator="cpu", enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    rows: Any = torch.ones(3, 1)
    trainer.fit(Tiny(), torch.utils.data.DataLoader(rows))
    assert [row["loss"] for row in table(path)] == ["0.5"] * 3


def test_rows_cost_little(path: Path) -> None:
    """One logged iteration must stay far below a training step."""
    import time

    logger = CSVLogger(path=path)
    metrics = {f"metric/{index}": index / 7 for index in range(12)} | {"images_seen": 1}
    logger.log_metrics(metrics, step=0)
    start = time.perf_counter()
    for step in range(1, 201):
        logger.log_metrics(metrics, step=step)
    assert (time.perf_counter() - start) / 200 < 0.005
