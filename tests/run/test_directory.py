"""Run directories: exclusive, refusing what is no run, atomic files, weights without pickles, hashes that travel."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from sparring.core.errors import CheckpointError, ConfigError, DiskError
from sparring.run.directory import RunDir, write_atomic
from sparring.run.settings import read_searchpath, write_settings

CONFIG = {
    "seed": 3,
    "model": {"width": 8, "seed": 3},
    "paths": {"log_dir": "logs", "run_dir": "/home/someone/logs/train/x", "cache_dir": "/home/someone/cache"},
    "data": {"size": 16},
}


def hydra_files(path: Path) -> Path:
    write_settings(path, OmegaConf.create(CONFIG))
    (path / ".hydra" / "overrides.yaml").write_text("- seed=3\n- model=dcgan\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return hydra_files(tmp_path / "logs" / "train" / "2026-11-22_10-00-00-000001_quick_1")


# --- life of a run


def test_create_makes_the_folders_and_open_finds_the_settings(folder: Path) -> None:
    with RunDir.create(folder) as run:
        assert run.checkpoints.is_dir()
        assert run.images.is_dir()
        assert run.status() is None
    reader = RunDir.open(str(folder))
    assert reader.config["model"]["seed"] == 3
    assert reader.config["paths"]["run_dir"] == str(folder)
    assert reader.overrides == ["seed=3", "model=dcgan"]


def test_settings_follow_a_run_that_was_moved(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "elsewhere")
    assert RunDir.open(moved).config["paths"]["run_dir"] == str(moved)


@pytest.mark.parametrize("state", ["finished", "running", "interrupted", "failed", "diverged"])
def test_a_new_run_never_writes_into_another(folder: Path, state: str) -> None:
    with RunDir.create(folder) as run:
        run.write_status(state, "test", 0, {"iteration": 1, "images_seen": 64}, None)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=rf"already holds a run \({state}\).*resume="):
        RunDir.create(folder)
    RunDir.resume(folder).close()  # the refused create() has let go of the lock


def test_status_and_result(folder: Path) -> None:
    with RunDir.create(folder) as run:
        run.write_status("interrupted", "Ctrl-C", 130, {"iteration": 7, "images_seen": 448}, "checkpoints/last.ckpt")
        run.write_result({"verb": "train", "metrics": {"a": 0.5, "b": math.nan, "c": [math.inf, 1]}})
    status = RunDir.open(folder).status()
    assert status is not None
    assert status["state"] == "interrupted"
    assert status["exit_code"] == 130
    assert status["clock"] == {"iteration": 7, "images_seen": 448}
    assert status["schema_version"] == 2
    assert RunDir.open(folder).result() == {
        "schema_version": 2, "verb": "train", "metrics": {"a": 0.5, "b": None, "c": [None, 1]},
    }  # fmt: skip


def test_result_missing_newer_or_damaged(folder: Path) -> None:
    run = RunDir.open(folder)
    with pytest.raises(CheckpointError, match=r"no result\.json"):
        run.result()
    (folder / "result.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(CheckpointError, match="schema version 99"):
        run.result()
    (folder / "result.json").write_text('{"schema_ver')
    with pytest.raises(CheckpointError, match="damaged"):
        run.result()


def test_temporary_files_are_swept(folder: Path) -> None:
    for place in (folder, folder / "checkpoints", folder / "images"):
        place.mkdir(exist_ok=True)
        (place / ".tmp-x-1-aa").write_text("half")
    with RunDir.resume(folder) as run:
        assert not list(run.path.rglob(".tmp-*"))


# --- what is no run


def test_a_missing_run_names_the_near_ones(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"does not exist; did you mean {folder}"):
        RunDir.open(folder.with_name("2026-11-22_10-00-00-000001_quick_2"))
    with pytest.raises(CheckpointError, match=rf"is not a run directory .*; did you mean {folder}"):
        RunDir.open(folder.parent)
    with pytest.raises(CheckpointError, match=rf"lies inside a run; name the run directory itself: {folder}"):
        RunDir.open(folder / "checkpoints" / "last.ckpt")


def test_without_any_run_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"does not exist; train one with `sparring train`"):
        RunDir.resume("logs/train/nothing")


def test_weights_of_a_checkpoint(folder: Path) -> None:
    run = RunDir.open(folder)
    kept = folder / "checkpoints" / "quality_00000040.safetensors"
    kept.parent.mkdir(exist_ok=True)
    with pytest.raises(CheckpointError, match=r"no weights of iteration 40 \(it has none at all\)"):
        run.weights_file(40)
    kept.touch()
    assert run.weights_file(40) == run.weights_file("40") == kept
    assert run.weights_file("last") == folder / "weights.safetensors"
    with pytest.raises(CheckpointError, match=r"no weights of iteration 4 \(it has those of 40\)"):
        run.weights_file(4)
    with pytest.raises(ConfigError, match="checkpoint=first is unknown; give last, best or an iteration"):
        run.weights_file("first")


@pytest.mark.parametrize(
    "text", ["a: ${missing}", "a: !!python/object/apply:os.getcwd []", "- 1", "a: [", "a: ${hydra:job.name}",
             "b: {c: ['${oc.env:HOME}']}", "a: &a [*a]", "a: \x00"],
)  # fmt: skip
def test_settings_that_cannot_be_read(folder: Path, text: str) -> None:
    (folder / ".hydra" / "config.yaml").write_text(f"schema_version: 2\n{text}")
    with pytest.raises(CheckpointError, match=r"config\.yaml"):
        _ = RunDir.open(folder).config


BROKEN = [b"\xff\x00", b"!!python/object/apply:os.getcwd []", b"- &a [*a]"]


@pytest.mark.parametrize("content", [*BROKEN, b"", b"a: 1", b"- [1]"])
def test_overrides_that_cannot_be_read(folder: Path, content: bytes) -> None:
    (folder / ".hydra" / "overrides.yaml").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"overrides\.yaml"):
        _ = RunDir.open(folder).overrides


@pytest.mark.parametrize("content", BROKEN)
def test_a_search_path_that_cannot_be_read(folder: Path, content: bytes) -> None:
    (folder / ".hydra" / "hydra.yaml").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"hydra\.yaml"):
        read_searchpath(folder)


# --- files


def test_write_atomic_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"one")
    write_atomic(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_write_atomic_says_why_it_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomic(tmp_path / "a", b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=r"Could not write .*/a: the disk is full"):
        write_atomic(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    with pytest.raises(DiskError):
        write_atomic(tmp_path / "missing" / "a", b"two")


def test_run_dir_does_not_import_torch() -> None:
    code = "import sys, sparring.run.directory; sys.exit(any(name in sys.modules for name in ('torch', 'lightning', 'wandb')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
