"""Real runs that end on quality, and their best measurement."""

import csv
import json
from pathlib import Path

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.trained.runs import Runs
from tests.conftest import TINY, compose

MEASURED = [
    *TINY, "callback=[default,quality,quality_stop]", "metric/features@callback.quality.features=pixels",
    "callback.quality.names=[fd]", "callback.quality.count=64", "callback.quality.max_time_share=null",
    "callback.quality_stop.lost_balance=null", "callback.quality_stop.lost_diversity=null",
    "callback.quality_stop.class_ignored=null", "report=false", "callback.samples.first=1000",
]  # fmt: skip


def run(folder: Path, cache_dir: Path, *overrides: str) -> RunDir:
    config = compose(*MEASURED, f"paths.cache_dir={cache_dir}", *overrides, run_dir=folder)
    train(config, folder)
    return RunDir.open(folder)


@pytest.mark.slow
def test_a_real_run_stops_where_it_is_good_enough(tmp_path: Path, cache_dir: Path) -> None:
    whole = run(tmp_path / "whole", cache_dir, "trainer.max_steps=40", "callback.quality.every=10",
                "callback.quality_stop.patience=null", "callback.quality_stop.collapse=null",
                "callback.quality_stop.target=0")  # fmt: skip
    with (whole.path / "quality.csv").open() as file:
        curve = [(int(row["iteration"]), float(row["fd"])) for row in csv.DictReader(file)]
    assert [iteration for iteration, _ in curve] == [10, 20, 30, 40]
    assert whole.result()["stopped"] == "budget"
    target = curve[1][1] * 1.0001
    stopped = run(tmp_path / "stopped", cache_dir, "trainer.max_steps=40", "callback.quality.every=10",
                  "callback.quality_stop.patience=null", "callback.quality_stop.collapse=null",
                  "callback.quality_stop.confirm=false", f"callback.quality_stop.target={target}")  # fmt: skip
    at = next(iteration for iteration, value in curve if value <= target)
    assert stopped.result()["clock"]["iteration"] == at
    assert stopped.result()["stopped"].startswith("reached")
    status = stopped.status()
    assert status is not None
    assert (status["state"], "reached" in status["reason"]) == ("finished", True)
    best = Runs().generator(stopped, checkpoint="best").network.state_dict()
    last = Runs().generator(stopped).network.state_dict()
    assert all(torch.equal(best[name], last[name]) for name in best)
    names = {key.partition(".")[0] for key in stopped.load_weights()}
    assert names == {"ema", "generator", "discriminator", "class_prior"}  # no feature network


def test_best_is_the_best_measurement(tmp_path: Path, cache_dir: Path) -> None:
    folder = run(tmp_path / "run", cache_dir, "trainer.max_steps=12", "callback.quality.every=4",
                 "callback.quality.keep_weights=true", "callback.quality_stop.patience=50",
                 "callback.quality_stop.collapse=null")  # fmt: skip
    with (folder.path / "quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    best = min(rows, key=lambda row: float(row["fd"]))
    from sparring.run import weights

    kept = weights.load(folder.checkpoints / f"quality_{int(best['iteration']):08d}.safetensors")
    stored = weights.load(folder.best_weights)
    assert all(torch.equal(kept[name], stored[name]) for name in kept)
    protocol = json.loads((folder.path / "quality.json").read_text())
    assert (protocol["split"], protocol["count"], protocol["features"]["features"]) == ("val", 64, "pixels")


def test_it_needs_the_measurements(tmp_path: Path, cache_dir: Path) -> None:
    config = compose(
        *TINY, "callback=[default,quality_stop]", f"paths.cache_dir={cache_dir}", "report=false", run_dir=tmp_path / "r"
    )
    with pytest.raises(ConfigError, match="needs the measurements"):
        train(config, tmp_path / "r")
