"""What W&B and TensorBoard get of a verb that does not train."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from sparring.core.measurement import Measurement
from sparring.core.picture import write_png
from sparring.report.logged import log_result, logged, loggers_of
from sparring.run.directory import RunDir

FD = Measurement(value=1.5, direction="lower", protocol={"images": 4}, std=0.25, reference=0.5).record()
NONE = Measurement(value=None, direction="higher", protocol={}, reason="pixels classify nothing").record()
RESULT = {
    "verb": "other", "metrics": {"test/fd": FD, "test/agreement": NONE},
    "cost": {"seconds": 2.0, "images": 4, "peak_memory_mb": {"cpu": 1.0}},
}  # fmt: skip


class Recorder:
    """A logger that remembers what it was given."""

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}

    def log_hyperparams(self, params: Mapping[str, Any]) -> None:
        self.said["settings"] = params

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self.said["scalars"] = (dict(metrics), step)

    def log_image(self, name: str, image: Any, step: int) -> None:
        self.said[name] = image.shape

    def finalize(self, status: str) -> None:
        self.said["end"] = status


class Summaries(Recorder):
    """One that takes tables and a summary, as W&B does."""

    def log_table(self, name: str, columns: Any, rows: Any) -> None:
        self.said[name] = [dict(zip(columns, row, strict=True)) for row in rows]

    def log_summary(self, values: Mapping[str, Any]) -> None:
        self.said["summary"] = dict(values)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    folder = RunDir(tmp_path)
    folder.images.mkdir()
    write_png(folder.images / "grid.png", np.zeros((4, 6, 1), np.uint8))
    return folder


def test_tables_take_the_uncertainty_and_a_summary_the_sentence(run: RunDir) -> None:
    logger = Summaries()
    log_result(logger, RESULT, run)
    (row,) = logger.said["metrics"]
    assert (row["metric"], row["value"], row["std"], row["low"]) == ("test/fd", 1.5, 0.25, None)
    assert (row["real images"], row["better"]) == (0.5, "lower")
    assert logger.said["grid"] == (4, 6, 1)
    summary = logger.said["summary"]
    assert summary["result"] == "1 values were measured."
    assert (summary["test/fd"], summary["test/fd/std"], summary["test/fd/real"]) == (1.5, 0.25, 0.5)
    assert (summary["cost/seconds"], summary["cost/images"]) == (2.0, 4)
    assert "test/agreement" not in summary
    assert "scalars" not in logger.said


def test_a_logger_without_a_summary_gets_scalars(run: RunDir) -> None:
    logger = Recorder()
    log_result(logger, RESULT, run)
    assert logger.said["scalars"] == ({"test/fd": 1.5}, 0)
    assert logger.said["grid"] == (4, 6, 1)


def test_the_end_is_told_also_after_an_error(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    config = OmegaConf.create({"verb": "other"})
    for error, end in ((None, "success"), (ValueError("no"), "failed")):
        logger = Summaries()
        monkeypatch.setattr("sparring.report.logged.loggers_of", lambda _, made=logger: [made])
        monkeypatch.setattr(RunDir, "result", lambda _: RESULT)
        if error is None:
            with logged(config, run):
                assert logger.said == {"settings": {"verb": "other"}}
            assert logger.said["summary"]["test/fd"] == 1.5
        else:
            with pytest.raises(ValueError, match="no"), logged(config, run):
                raise error
            assert "summary" not in logger.said
        assert logger.said["end"] == end


def test_the_scalars_of_a_training_have_no_place_here() -> None:
    target = {"_target_": "sparring.logger.csv.CSVLogger", "path": "unused.csv"}
    assert loggers_of(OmegaConf.create({"logger": {"csv": target, "wandb": None}, "extensions": []})) == []
