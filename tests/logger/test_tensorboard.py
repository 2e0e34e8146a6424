"""Event files read back with TensorBoard's own reader."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from sparring.core.errors import ConfigError
from sparring.logger import RunLogger
from sparring.logger.tensorboard import TensorBoardLogger

event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(path: Path) -> Any:
    return event_accumulator.EventAccumulator(str(path), size_guidance={"scalars": 0, "images": 0}).Reload()


def points(path: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(path).Scalars(tag)]


def test_scalars_pictures_and_settings(tmp_path: Path) -> None:
    logger = TensorBoardLogger(path=tmp_path)
    assert isinstance(logger, RunLogger)
    picture = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    logger.log_hyperparams({"model": {"width": 8}})
    for step in (10, 20):
        logger.log_metrics({"images_seen": 64 * step, "loss/generator": 1 / step}, step=step)
    logger.log_image("samples", picture, step=20)
    logger.log_image("grey", picture[:, :, :1], step=20)
    logger.finalize("success")
    assert points(tmp_path, "loss/generator") == [(10, pytest.approx(0.1)), (20, pytest.approx(0.05))]
    assert points(tmp_path, "images_seen") == [(10, 640), (20, 1280)]
    (event,) = read(tmp_path).Images("images/samples")
    (tmp_path / "back.png").write_bytes(event.encoded_image_string)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "back.png")), picture)
    assert b"width: 8" in read(tmp_path).Tensors("config/text_summary")[0].tensor_proto.string_val[0]


def test_a_killed_run_has_its_points_and_a_resumed_one_no_duplicates(tmp_path: Path) -> None:
    killed = TensorBoardLogger(path=tmp_path)
    for step in range(1, 8):
        killed.log_metrics({"loss": float(step)}, step=step)  # never closed
    assert [step for step, _ in points(tmp_path, "loss")] == list(range(1, 8))
    resumed = TensorBoardLogger(path=tmp_path)
    resumed.continue_after(5)
    for step in range(6, 11):
        resumed.log_metrics({"loss": float(step)}, step=step)
    resumed.finalize("success")
    assert points(tmp_path, "loss") == [(step, float(step)) for step in range(1, 11)]


def test_without_tensorboard_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[tensorboard\]'"):
        TensorBoardLogger(path=tmp_path)


def test_other_ranks_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = TensorBoardLogger(path=tmp_path / "events")
    logger.log_metrics({"loss": 1.0}, step=1)
    logger.log_image("samples", np.zeros((2, 2, 3), np.uint8), step=1)
    logger.finalize("success")
    assert not (tmp_path / "events").exists()
