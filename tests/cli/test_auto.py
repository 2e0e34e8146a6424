"""`resume=auto`: which run goes on, when a new one starts, and what the processes of one start agree on."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from sparring.cli.auto import expand_auto
from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.run.settings import write_settings
from tests.conftest import CONF

TYPED = ["model=gan", "seed=3"]


def made(logs: Path, name: str, *overrides: str, state: str = "interrupted", saved: bool = True) -> Path:
    """What a training leaves on record, without having trained."""
    run = logs / "train" / name
    write_settings(run, compose("train", [*overrides, f"hydra.run.dir={run}"]))
    (run / "status.json").write_text(json.dumps({"state": state}))
    if saved:
        (run / "checkpoints").mkdir()
        (run / "checkpoints" / "last.ckpt").touch()
    return run


def expanded(logs: Path, *overrides: str) -> list[str]:
    return expand_auto("train", [*overrides, "resume=auto"], log_dir=logs, config_dir=CONF)


def test_without_auto_nothing_changes(tmp_path: Path) -> None:
    typed = ["model=nonsense", "resume=logs/x"]
    assert expand_auto("train", typed, log_dir=tmp_path, config_dir=CONF) == typed


@pytest.mark.slow
def test_the_newest_unfinished_run_of_the_same_settings_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, "2026-01-01", *TYPED)
    wanted = made(tmp_path, "2026-01-02", *TYPED, state="running")  # killed: nobody holds its lock
    made(tmp_path, "2026-01-03", *TYPED, state="finished")
    made(tmp_path, "2026-01-04", *TYPED, state="diverged")
    made(tmp_path, "2026-01-05", *TYPED, saved=False)
    made(tmp_path, "2026-01-06", "model=gan", "seed=4")
    made(tmp_path, "2026-01-07", *TYPED, "trainer.max_steps=7")
    (made(tmp_path, "2026-01-08", *TYPED) / ".hydra" / "config.yaml").write_text("[")
    assert expanded(tmp_path, *TYPED) == [*TYPED, f"resume='{wanted}'"]
    assert capsys.readouterr().err == f"resume=auto: goes on with {wanted}.\n"


def test_where_the_run_is_written_and_who_is_told_do_not_make_it_another(tmp_path: Path) -> None:
    run = made(tmp_path, "2026-01-01", *TYPED, "paths.cache_dir=/elsewhere", "report=false")
    assert expanded(tmp_path, *TYPED)[-1] == f"resume='{run}'"


def test_nothing_to_go_on_with_starts_a_new_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert expanded(tmp_path, *TYPED) == TYPED
    assert "no unfinished run with these settings" in capsys.readouterr().err


def test_a_directory_that_is_typed_is_the_only_one_looked_at(tmp_path: Path) -> None:
    made(tmp_path, "2026-01-02", *TYPED)
    place = tmp_path / "train" / "mine"
    assert expanded(tmp_path, *TYPED, f"hydra.run.dir={place}") == [*TYPED, f"hydra.run.dir={place}"]
    run = made(tmp_path, "mine", *TYPED)
    assert expanded(tmp_path, *TYPED, f"hydra.run.dir={place}") == [*TYPED, f"resume='{run}'"]


def test_a_mistake_is_left_to_the_checks(tmp_path: Path) -> None:
    assert expanded(tmp_path, "model=nonsense") == ["model=nonsense"]


def test_a_run_that_another_process_writes_is_refused(tmp_path: Path) -> None:
    run = made(tmp_path, "2026-01-01", *TYPED, state="running")
    with (run / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="is being written by another process"):
            expanded(tmp_path, *TYPED)


def test_the_processes_of_one_start_take_the_choice_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(tmp_path, "2026-01-01", *TYPED)
    for name, value in {"NTASKS": "2", "JOB_ID": "8", "STEP_ID": "0", "PROCID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    first = expanded(tmp_path, *TYPED)
    (run / "status.json").write_text(json.dumps({"state": "finished"}))  # whatever the others would find themselves
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert expanded(tmp_path, *TYPED) == first == [*TYPED, f"resume='{run}'"]
    monkeypatch.setenv("SLURM_JOB_ID", "9")  # another start, whose first process has not chosen
    monkeypatch.setattr("sparring.cli.auto._PATIENCE", 0.2)
    with pytest.raises(ConfigError, match=r"did not say within 0 s"):
        expanded(tmp_path, *TYPED)


def test_a_choice_from_before_this_torchrun_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "x", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert expanded(tmp_path, *TYPED) == TYPED
    monkeypatch.setenv("RANK", "1")
    assert expanded(tmp_path, *TYPED) == TYPED
    (told,) = (tmp_path / ".auto").iterdir()
    os.utime(told, (1, 1))
    monkeypatch.setattr("sparring.cli.auto._PATIENCE", 0.2)
    with pytest.raises(ConfigError, match="did not say"):
        expanded(tmp_path, *TYPED)


def test_a_verb_that_cannot_go_on_leaves_the_word_to_the_checks(tmp_path: Path) -> None:
    typed = ["run=x", "resume=auto"]
    assert expand_auto("generate", typed, log_dir=tmp_path, config_dir=CONF) == typed


def test_a_study_looks_into_the_directory_that_is_typed(tmp_path: Path) -> None:
    study = tmp_path / "elsewhere"
    typed = ["study=seed_noise", f"dir={study}"]
    write_settings(study, compose("study", [*typed, f"hydra.run.dir={study}"]))
    (study / "status.json").write_text(json.dumps({"state": "interrupted"}))
    (study / "cells").mkdir()
    found = expand_auto("study", [*typed, "resume=auto"], log_dir=tmp_path, config_dir=CONF)
    assert found == ["study=seed_noise", f"resume='{study}'"]


def test_torchrun_on_several_nodes_needs_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "none"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="--rdzv-id"):
        expanded(tmp_path, *TYPED)
