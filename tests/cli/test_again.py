"""A sweep again in the same folder, and sweeps that another launcher than ours runs."""

import fcntl
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from sparring.cli.again import SKIP, Earlier, Place, expand_sweep
from sparring.config.check import check
from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.run.settings import write_settings
from tests.cli.conftest import Program
from tests.conftest import CONF, ROOT

SETTINGS = {"seed": 1, "resume": None, "model": {"width": 8}}


@pytest.fixture(autouse=True)
def no_choice_of_an_earlier_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SKIP, "true")


def made(sweep: Path, name: str, state: str, *, saved: bool = False, **change: Any) -> Path:
    run = sweep / name
    write_settings(run, {**SETTINGS, **change})
    (run / "status.json").write_text(json.dumps({"state": state}))
    if saved:
        (run / "checkpoints").mkdir()
        (run / "checkpoints" / "last.ckpt").touch()
    return run


def test_what_becomes_of_a_job_that_ran_before(tmp_path: Path) -> None:
    finished = made(tmp_path, "0_seed-1", "finished")
    stopped = made(tmp_path, "1_seed-2", "running", seed=2, saved=True)  # killed: nobody holds its lock
    made(tmp_path, "2_seed-3", "failed", seed=3)
    earlier = Earlier(tmp_path)

    def place(name: str, **change: Any) -> Place:
        return earlier.place(tmp_path / name, lambda: {**SETTINGS, **change})

    assert place("5_seed-1") == Place(finished, "finished")  # another number in another order
    assert place("1_seed-2", seed=2) == Place(stopped, "unfinished")
    assert place("2_seed-3", seed=3) == Place(tmp_path / "2_seed-3_2", "new")  # nothing to go on with
    assert place("0_seed-1", seed=1, model={"width": 9}) == Place(tmp_path / "0_seed-1_2", "new")


def test_a_job_that_another_process_runs_is_not_started_twice(tmp_path: Path) -> None:
    run = made(tmp_path, "0", "running", saved=True)
    with (run / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert Earlier(tmp_path).place(run, lambda: SETTINGS) == Place(run, "busy")


def test_without_skipping_all_run_again_beside_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(tmp_path, "0", "finished")
    assert expand_sweep(["sweep.skip_finished=false", "seed=1"], sweep=True) == ["seed=1"]
    assert Earlier(tmp_path).place(run, lambda: SETTINGS) == Place(tmp_path / "0_2", "new")


@pytest.mark.parametrize(
    ("typed", "sweep", "says"),
    [
        ("sweep.dir=x", False, "add -m"),
        ("sweep.dri=x", True, "did you mean sweep.dir?"),
        ("sweep.skip_finished=maybe", True, "true or false"),
        ("sweep=wandb", True, "sweep.skip_finished=false"),
    ],
)
def test_settings_of_a_sweep_that_cannot_be(typed: str, sweep: bool, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("?", r"\?")):
        expand_sweep([typed], sweep=sweep)


@pytest.mark.slow
def test_the_same_command_again_runs_what_is_missing(toy: Program) -> None:
    folder = toy.folder / "logs" / "mine"
    first = toy("-m", "seed=1,2", "act=finish,data", f"sweep.dir={folder}")
    assert first.code == 1
    assert "Unfinished: " in first.out
    assert "sweep.dir=logs/mine" in first.out
    again = toy("-m", "seed=1,2,3", "act=finish", f"sweep.dir={folder}")
    assert again.code == 0
    assert again.out.count("finished before") == 2
    assert again.out.count("toy runs") == 1
    assert (
        toy("-m", "seed=1", "act=finish", f"sweep.dir={folder}", "sweep.skip_finished=false").out.count("toy runs") == 1
    )


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers_of_others_run_the_command_of_each_job(toy: Program, launcher: str) -> None:
    plugin = f"hydra_{launcher.partition('_')[0]}_launcher"
    if importlib.util.find_spec(f"hydra_plugins.{plugin}") is None:
        pytest.skip(f"{plugin} is not installed: it comes with the extras slurm and sweep.")
    folder = toy.folder / "logs" / "mine"
    command = ["-m", "seed=1,2", "act=finish", f"hydra/launcher={launcher}", f"sweep.dir={folder}"]
    for _ in range(2):  # the second time there is nothing left to do
        process = toy.start(*command)
        output = process.communicate(timeout=140)[0]
        assert process.returncode == 0, output
        assert "2 of 2 jobs finished" in output
        assert [toy.record(run)["seed"] for run in toy.runs()] == [1, 2]
        assert [OmegaConf.load(run / ".hydra" / "config.yaml").seed for run in toy.runs()] == [1, 2]


def test_a_launcher_that_is_not_there_says_which_extra_it_is_in() -> None:
    if importlib.util.find_spec("hydra_plugins.hydra_joblib_launcher") is not None:
        pytest.skip("It is installed.")
    with pytest.raises(ConfigError, match=r"pip install .* '.\[sweep\]'"):
        check("train", ["seed=1,2", "hydra/launcher=joblib"], config_dir=CONF, sweep=True)


def test_what_an_agent_of_wandb_types_works() -> None:
    from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

    sweep = yaml.safe_load((ROOT / "examples" / "sweep" / "wandb.yaml").read_text())
    assert sweep["command"][-1] == "${args_no_hyphens}"
    parameters = sweep["parameters"].items()
    values = {
        key: {"value": given.get("value", [*given.get("values", []), given.get("min")][0])} for key, given in parameters
    }
    typed = create_sweep_command_args({"args": values})["args_no_hyphens"]
    check("train", typed, config_dir=CONF)
    config = compose("train", typed)
    assert config.model.optimizer.lr == sweep["parameters"]["model.optimizer.lr"]["min"]
    assert os.path.exists(ROOT / sweep["program"])
