"""`-m`: every job a process with a directory of its own, and a table that says what became of each."""

import os
import signal
import time
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from sparring.cli.launch import _short_names, gpus_of
from sparring.cli.sweep import JobOutcome, SweepJob, run_jobs
from sparring.cli.sweep_table import summary
from sparring.config.compose import _job_dir
from tests.cli.conftest import Program


def job(number: int, script: str, folder: Path) -> SweepJob:
    directory = folder / str(number)
    return SweepJob(
        number=number, overrides=(f"seed={number}",), command=("/bin/sh", "-c", script), directory=directory, gpus=1
    )


def test_a_job_takes_the_gpu_that_the_last_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    note = f"echo $CUDA_VISIBLE_DEVICES >> {tmp_path}/gpus"
    first = f"{note}; until [ -e {tmp_path}/done ]; do sleep 0.02; done"
    assert {
        each.exit_code for each in outcomes_of([first, note, f"{note}; touch {tmp_path}/done"], tmp_path, n_jobs=2)
    } == {0}
    assert sorted((tmp_path / "gpus").read_text().split()) == ["4", "6", "6"]


@pytest.mark.parametrize(
    ("config", "gpus"),
    [
        ({"trainer": {"devices": 2}}, 2),
        ({"trainer": {"devices": [1]}}, None),
        ({"trainer": {"devices": "auto"}}, None),
        ({"device": "auto"}, 1),
        ({"device": "cuda:1"}, None),
        ({}, None),
    ],
)
def test_gpus_that_a_job_may_be_confined_to(config: dict[str, object], gpus: int | None) -> None:
    assert gpus_of(OmegaConf.create(config)) == gpus


def outcomes_of(scripts: list[str], folder: Path, *, n_jobs: int = 1, fail_fast: bool = False) -> list[JobOutcome]:
    jobs = [job(number, script, folder) for number, script in enumerate(scripts)]
    return run_jobs(jobs, environment=dict(os.environ), n_jobs=n_jobs, fail_fast=fail_fast)


def test_a_failed_job_does_not_end_the_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = outcomes_of(["exit 0", "exit 3", "kill -9 $$", "exit 0"], tmp_path)
    assert [outcome.exit_code for outcome in outcomes] == [0, 3, 137, 0]
    assert [outcome.state for outcome in outcomes] == ["finished", "failed", "killed", "finished"]
    assert summary(outcomes) == 1
    table = capsys.readouterr().out
    assert "failed: data" in table
    assert "2 of 4 jobs finished, 2 did not" in table


def test_what_a_job_says_of_itself(tmp_path: Path) -> None:
    write = "mkdir -p {0} && echo '{1}' > {0}/status.json && exit {2}"
    diverged = write.format(tmp_path / "0", '{"state": "diverged", "reason": "NaN in loss"}', 4)
    killed = write.format(tmp_path / "1", '{"state": "running", "reason": ""}', 137)
    unreadable = write.format(tmp_path / "2", "{", 1)
    outcomes = outcomes_of([diverged, killed, unreadable], tmp_path)
    told = [(outcome.state, outcome.reason) for outcome in outcomes]
    assert told == [("diverged", "NaN in loss"), ("killed", ""), ("failed", "see its output")]


def test_fail_fast_starts_no_further_job(tmp_path: Path) -> None:
    outcomes = outcomes_of(["exit 1", "touch never"], tmp_path, fail_fast=True)
    assert [outcome.exit_code for outcome in outcomes] == [1, None]
    assert summary(outcomes) == 1


def test_jobs_side_by_side_have_their_lines_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Each waits for a file of the other, so one after the other would never end.
    scripts = [
        f"touch {tmp_path}/{n}; echo here {n}; until [ -e {tmp_path}/{1 - n} ]; do sleep 0.02; done" for n in (0, 1)
    ]
    outcomes = outcomes_of(scripts, tmp_path, n_jobs=2)
    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    assert {"[0] here 0", "[1] here 1"} <= set(capsys.readouterr().out.splitlines())


def test_helpers_of_a_failed_job_do_not_outlive_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.cli.sweep._PATIENCE_SECONDS", 0.2)
    outcomes_of([f"sleep 60 & echo $! > {tmp_path}/pid; exit 1"], tmp_path)
    stat = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while stat.exists() and " Z " not in stat.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not stat.exists() or " Z " in stat.read_text()


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        ([["model=a", "seed=1", "x=9"], ["model=a", "seed=2", "x=9"]], ["seed=1", "seed=2"]),
        ([["seed=1", "x=9"]], ["seed=1,x=9"]),
    ],
)
def test_directories_are_named_by_what_differs(overrides: list[list[str]], names: list[str]) -> None:
    assert _short_names(overrides) == names


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ("seed=1,model=dcgan", "3_seed-1_model-dcgan"),
        ("model/generator=conv,trainer.max_steps=5", "3_generator-conv_max_steps-5"),
        ("data.path='/a/b c',+x.y=[1,2]", "3_path--a-b-c_y-1_2"),
        ("", "3"),
        ("name=" + "x" * 300, "3_name-" + "x" * 93),
    ],
)
def test_directory_names_are_short_and_need_no_quotes(overrides: str, name: str) -> None:
    assert _job_dir(3, overrides) == name


@pytest.mark.slow
def test_a_sweep_with_children_and_a_failing_job(toy: Program, tmp_path: Path) -> None:
    leaks = {"WANDB_RUN_ID": "abc", "LOCAL_RANK": "0", "MASTER_ADDR": "10.0.0.1"}
    result = toy("-m", "seed=1,2", "act=children,data", "model=large", cwd=tmp_path, **leaks)
    assert result.code == 1
    assert result.err.count("error: the images are missing") == 2
    assert "Traceback" not in result.err
    assert "2 of 4 jobs finished, 2 did not" in result.out
    (sweep,) = (toy.folder / "logs" / "toy").iterdir()
    assert "_sweep_" in sweep.name
    assert [run.name for run in toy.runs()] == [
        "0_seed-1_act-children", "1_seed-1_act-data", "2_seed-2_act-children", "3_seed-2_act-data",
    ]  # fmt: skip
    for number, run in enumerate(toy.runs()):
        record = toy.record(run)
        assert record["seed"] == 1 + number // 2
        assert record["environment"] == {}
        assert (run / ".hydra" / "config.yaml").exists()
        assert (run / "record_1.json").exists() == (number % 2 == 0)
    assert toy.record(toy.runs()[0], rank=1)["seed"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_job_and_stops_the_sweep(toy: Program, number: int) -> None:
    process = toy.start("-m", "seed=1,2", "act=sleep")
    assert process.stdout is not None
    while "toy runs" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(number)
    rest = process.communicate(timeout=30)[0]
    assert process.returncode == 128 + number
    assert "interrupted" in rest
    assert "not started" in rest
    assert len(toy.runs()) == 1


@pytest.mark.slow
def test_a_job_stops_when_the_sweep_is_killed(toy: Program) -> None:
    process = toy.start("-m", "seed=1,2", "act=sleep")
    assert process.stdout is not None
    while "toy runs" not in process.stdout.readline():
        assert process.poll() is None
    process.kill()
    assert "stopped by SIGTERM" in process.stdout.read()  # its end is when the job has ended too
    process.wait()


def test_a_sweep_of_several_ranks_is_refused(toy: Program) -> None:
    result = toy("-m", "seed=1,2", RANK="1")
    assert result.code == 2
    assert "without torchrun or srun" in result.err


def test_a_typo_stops_the_sweep_before_its_first_job(toy: Program) -> None:
    result = toy("-m", "model=small,lrge")
    assert result.code == 2
    assert "did you mean large?" in result.err
    assert not (toy.folder / "logs").exists()
