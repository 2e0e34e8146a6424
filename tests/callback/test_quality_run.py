"""Quality and its stop in real runs: rollback, best weights at the end, resume, two processes."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.callback.quality_stop import QualityStop
from sparring.core.errors import ConfigError
from sparring.run import weights
from sparring.run.checkpoint import VerifiedCheckpointIO
from sparring.run.directory import RunDir
from sparring.stage.train import train
from tests.callback.test_quality_stop import DEFAULTS, Scripted, play
from tests.callback.test_quality_stop_runs import MEASURED
from tests.conftest import TINY, compose, read_run
from tests.conftest import train as train_command

SCRIPTED = [
    *MEASURED, "extensions=[tests]", "callback.quality._target_=tests.callback.scripted.ScriptedQuality",
    "callback.quality.every=2", "callback.quality_stop.confirm=false", "callback.checkpoint.every=2",
]  # fmt: skip


def run(folder: Path, cache_dir: Path, *overrides: str) -> RunDir:
    config = compose(*overrides, f"paths.cache_dir={cache_dir}", run_dir=folder)
    train(config, folder)
    return RunDir.open(folder)


def scripted(folder: Path, cache_dir: Path, script: list[float], *overrides: str) -> RunDir:
    return run(folder, cache_dir, *SCRIPTED, f"+callback.quality.script={script}", *overrides)


def saved(finished: RunDir, name: str) -> dict[str, Any]:
    return VerifiedCheckpointIO().load_checkpoint(finished.checkpoints / name)


def stop_state(finished: RunDir) -> dict[str, Any]:
    (state,) = (value for key, value in saved(finished, "last.ckpt")["callbacks"].items() if "QualityStop" in key)
    return state


def same(first: Any, second: Any) -> bool:
    """Equal bit for bit, through dicts and lists."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


@pytest.mark.slow
def test_a_rollback_restores_networks_and_optimizers_and_the_clock_goes_on(tmp_path: Path, cache_dir: Path) -> None:
    finished = scripted(tmp_path / "r", cache_dir, [2.0, 1.0, 9.0], "trainer.max_steps=6",
                     "callback.quality_stop.on_collapse=rollback")  # fmt: skip
    best, last = saved(finished, "best.ckpt"), saved(finished, "last.ckpt")
    assert (best["clock"]["iteration"], last["clock"]["iteration"]) == (4, 6)
    assert same(best["state_dict"], last["state_dict"])
    assert same(best["optimizer_states"], last["optimizer_states"])
    assert stop_state(finished)["rollbacks"] == 1
    assert finished.result()["stopped"] == "budget"


@pytest.mark.slow
def test_after_the_last_rollback_a_collapse_stops_with_the_best_weights(tmp_path: Path, cache_dir: Path) -> None:
    finished = scripted(tmp_path / "r", cache_dir, [1.0, 9.0, 9.0, 9.0], "trainer.max_steps=20",
                     "callback.quality_stop.on_collapse=rollback", "callback.quality_stop.max_rollbacks=1")  # fmt: skip
    result, status = finished.result(), finished.status()
    assert result["clock"]["iteration"] == 6
    assert result["weights"]["iteration"] == 2
    assert result["stopped"] == "collapsed: fd is 9 after a best of 1"
    assert status is not None
    assert status["state"] == "finished"
    assert status["reason"].endswith("its weights are those of iteration 2, the best")
    kept, best = finished.load_weights(), weights.load(finished.best_weights)
    assert same(kept, best)


@pytest.mark.slow
def test_a_run_to_the_end_of_its_budget_keeps_its_best_weights_too(tmp_path: Path, cache_dir: Path) -> None:
    finished = scripted(tmp_path / "r", cache_dir, [1.0, 1.5, 1.2], "trainer.max_steps=6")
    assert finished.result()["weights"]["iteration"] == 2
    assert finished.result()["stopped"] == "budget"
    last = scripted(
        tmp_path / "l", cache_dir, [1.0, 1.5, 1.2], "trainer.max_steps=6", "callback.quality_stop.keep_best=false"
    )
    assert last.result()["weights"]["iteration"] == 6
    assert not same(last.load_weights(), finished.load_weights())


def test_balance_is_lost_only_by_a_run_that_had_it() -> None:
    class Balance(Scripted):
        def advance(self) -> None:
            super().advance()
            self.history[-1].values["balance"] = [0.9, 0.8, 0.2, 0.7][len(self.history) - 1]

        def values(self, trainer: Any, module: Any, *, draw: int) -> dict[str, float]:
            return self.history[-1].values

    stop = QualityStop(**DEFAULTS | {"lost_balance": 0.5})
    assert play(stop, Balance([4.0, 3.0, 2.0, 1.0])) == 4
    assert stop.sentence == "collapsed: the predicted classes are 0.70 away from the data's shares"


def test_a_ratio_to_a_best_near_zero_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    kid = ["callback.quality.metric=kid", "callback.quality.names=[kid]", "trainer.max_steps=2"]
    with pytest.raises(ConfigError, match="collapse=3 has no meaning for kid"):
        run(tmp_path / "r", cache_dir, *MEASURED, *kid)
    finished = run(tmp_path / "n", cache_dir, *MEASURED, *kid, "callback.quality_stop.collapse=null")
    assert finished.result()["stopped"] == "budget"


def curve(folder: Path) -> list[dict[str, str]]:
    with (folder / "quality.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_resumed_run_measures_waits_and_stops_as_one_without_a_break(tmp_path: Path, cache_dir: Path) -> None:
    settings = [*MEASURED[len(TINY) :], "callback.quality.every=2", "callback.quality_stop.patience=3",
                "callback.quality_stop.min_improvement=0.9", "callback.quality_stop.collapse=null"]  # fmt: skip
    whole = train_command(tmp_path / "whole", cache_dir, *settings, "trainer.max_steps=20")
    broken = train_command(tmp_path / "broken", cache_dir, *settings, "trainer.max_steps=4")
    assert RunDir.open(broken).result()["stopped"] == "budget"
    train_again(broken, "trainer.max_steps=20")
    one, two = RunDir.open(whole), RunDir.open(broken)
    assert one.result()["stopped"].startswith("no longer improving")
    assert one.result()["stopped"] == two.result()["stopped"]
    assert curve(whole) == curve(broken)
    assert stop_state(one) == stop_state(two)
    assert same(one.load_weights(), two.load_weights())
    at = one.result()["clock"]["iteration"]
    assert 4 < at < 20
    train_again(broken, "trainer.max_steps=20", "callback.quality_stop.patience=50")  # a stopped run is trained on
    assert RunDir.open(broken).result()["clock"]["iteration"] == 20
    assert curve(broken)[: at // 2] == curve(whole)


def train_again(folder: Path, *overrides: str) -> None:
    from tests.conftest import command

    command(f"resume={folder}", *overrides)


@pytest.mark.slow
def test_two_processes_take_one_decision(tmp_path: Path, cache_dir: Path) -> None:
    """Only the first process measures; both must stop after the same iteration, and neither may wait for the other."""
    settings = [*MEASURED[len(TINY) :], "callback.quality.every=2", "callback.quality_stop.patience=1",
                "callback.quality_stop.min_improvement=0.9", "callback.quality_stop.collapse=null", "trainer.max_steps=12",
                "trainer.precision=64-true"]  # fmt: skip
    one = read_run(train_command(tmp_path, cache_dir, *settings, "trainer=cpu"))
    two = read_run(train_command(tmp_path, cache_dir, *settings, "trainer=ddp_cpu"))
    assert one.result["stopped"].startswith("no longer improving")
    assert two.result["stopped"].split(" on ")[0] == one.result["stopped"].split(" on ")[0]
    assert two.result["clock"] == one.result["clock"]
    assert two.result["weights"] == one.result["weights"]
    for ours, theirs in zip(curve(two.path), curve(one.path), strict=True):
        assert float(ours["fd"]) == pytest.approx(float(theirs["fd"]), rel=1e-3)
    for name, tensor in one.weights.items():
        torch.testing.assert_close(two.weights[name], tensor, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_two_processes_roll_back_together(tmp_path: Path, cache_dir: Path) -> None:
    settings = [*SCRIPTED[len(TINY) :], "+callback.quality.script=[2.0,1.0,9.0]", "callback.quality_stop.on_collapse=rollback",
                "trainer.max_steps=6", "callback.quality_stop.keep_best=false", "trainer=ddp_cpu"]  # fmt: skip
    finished = RunDir.open(train_command(tmp_path, cache_dir, *settings))
    assert same(saved(finished, "best.ckpt")["state_dict"], saved(finished, "last.ckpt")["state_dict"])
    assert stop_state(finished)["rollbacks"] == 1
