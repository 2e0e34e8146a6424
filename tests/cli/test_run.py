"""The command line as a user meets it: real processes, a stage that costs nothing."""

import argparse
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser

from sparring.cli.flags import leaves_mode_to_flags, mode_of_flags
from sparring.config.compose import file_name
from sparring.core.package import CONFIG_DIR
from tests.cli.conftest import Program


@pytest.mark.slow
def test_a_run_from_another_directory(toy: Program, tmp_path: Path) -> None:
    result = toy("seed=3", "model.width=4", cwd=tmp_path)
    (run,) = toy.runs()
    assert (result.code, result.err) == (0, f"Run: {run.relative_to(tmp_path)}\n")
    assert run.parent == toy.folder / "logs" / "toy"
    date, time, rest = run.name.split("_", 2)
    assert (len(date), len(time)) == (len("2026-01-31"), len("12-59-59-123456"))
    assert rest.startswith("small_digits_")
    record = toy.record(run)
    assert record["cwd"] == str(tmp_path)
    assert sorted(path.name for path in run.iterdir()) == [".hydra", "record_0.json"]


def test_the_saved_configuration_is_resolved(toy: Program) -> None:
    toy("seed=3", "name=mine")
    (run,) = toy.runs()
    saved = (run / ".hydra" / "config.yaml").read_text()
    assert "${" not in saved
    assert yaml.safe_load(saved)["paths"]["run_dir"] == str(run)
    assert (run / ".hydra" / "overrides.yaml").read_text() == "- seed=3\n- name=mine\n"


def test_where_runs_go(toy: Program, tmp_path: Path) -> None:
    toy(SPARRING_LOG_DIR=str(tmp_path / "elsewhere"))
    toy("paths.log_dir=there", cwd=tmp_path)
    assert len(list(tmp_path.glob("elsewhere/toy/*/record_0.json"))) == 1
    assert len(list(tmp_path.glob("there/toy/*/record_0.json"))) == 1


@pytest.mark.parametrize(
    ("act", "code", "says"),
    [
        ("data", 3, "error: the images are missing: say data.path=<folder>.\n"),
        ("memory", 5, "error: out of memory"),
        ("bug", 1, "RuntimeError: a programming error"),
        ("interrupt", 130, "stopped by SIGINT\n"),
    ],
)
def test_exit_codes(toy: Program, act: str, code: int, says: str) -> None:
    result = toy(f"act={act}")
    assert result.code == code
    assert says in result.err
    assert ("Traceback" in result.err) == (act == "bug")
    assert "HYDRA_FULL_ERROR" not in result.err


def test_a_folder_that_cannot_be_written(toy: Program) -> None:
    (toy.folder / "logs").write_text("a file")
    result = toy()
    assert result.code == 7
    assert str(toy.folder / "logs") in result.err
    assert "Traceback" not in result.err


def test_a_typo_leaves_no_directory(toy: Program) -> None:
    result = toy("trainer.max_step=5")
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert "did you mean trainer.max_steps?" in result.err
    assert result.err.count("\n") == 1
    assert not (toy.folder / "logs").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--mutlirun"], "did you mean --multirun?"),
        (["--model", "large"], "settings are written model=value"),
        (["-m", "--cfg", "job"], "exclude each other"),
        (["--resolve"], "--cfg job --resolve"),
        (["--experimental-rerun", "x"], "resume=<run dir>"),
        (["-m", "seed=1,2", "resume=x"], "without -m"),
        (["--config-name", "tyo", "--help"], "there is no configuration file"),
    ],
)
def test_flags_that_do_not_exist_or_fit(toy: Program, arguments: list[str], says: str) -> None:
    result = toy(*arguments)
    assert result.code == 2
    assert says in result.err
    assert "usage:" not in result.err


def test_help_lists_groups_choices_settings_and_examples(toy: Program) -> None:
    result = toy("--help")
    lines = [line.split(maxsplit=1) for line in result.out.splitlines() if line.strip()]
    rows = {name: rest[0] for name, *rest in lines if rest}
    assert result.out.startswith("Does nothing.\n")
    assert rows["data"] == "digits, cifar10"  # the default first
    assert rows["model"] == "small, large"  # without _base
    assert rows["model/loss"] == "hinge, rpgan"
    assert rows["name"] == "<model>_<data>"
    assert "python toy.py seed=2    example" in result.out
    assert "hydra/" not in result.out
    assert "_target_" not in result.out


def test_a_sweep_that_a_file_asks_for_is_not_taken_for_one_job(tmp_path: Path) -> None:
    """`mode_of_flags` spares every command a composition, but only where the flags alone decide."""
    with mode_of_flags():
        assert Hydra.get_mode(None, "train", ["no=setting"]) is None
    assert leaves_mode_to_flags(CONFIG_DIR)
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "seeds.yaml").write_text("hydra: {mode: MULTIRUN, sweeper: {params: {seed: '1,2'}}}\n")
    assert not leaves_mode_to_flags(tmp_path)


@pytest.mark.slow
def test_hydra_answers_as_usual(toy: Program) -> None:
    config = toy("--cfg", "job", "seed=7", "model=large").out
    assert "seed: 7" in config
    assert "depth: 3" in config
    assert "seed: 7" in toy("seed=7", "--cfg", "job", "--resolve", "-p", "data").out  # flags may stand anywhere
    assert "model: small" in toy("--info", "defaults-tree").out
    assert "complete" in toy("-sc", "install=bash").out
    offered = toy("-sc", "query=bash", COMP_LINE="python toy.py model=", COMP_POINT="20").out.split()
    assert {"model=large", "model=small"} <= set(offered)


@pytest.mark.slow
def test_configuration_from_another_folder(toy: Program, tmp_path: Path) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "huge.yaml").write_text("width: 512\n")
    result = toy("model=huge", "--config-dir", str(tmp_path / "mine"), "act=children")
    assert result.code == 0
    (run,) = toy.runs()
    assert "width: 512" in (run / ".hydra" / "config.yaml").read_text()
    assert toy.record(run, rank=1)["rank"] == 1


@pytest.mark.slow
def test_pythons_that_check_the_help_of_options(toy: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14's argparse formats it when an option is made, and Hydra's parser has an option whose help is no text."""
    add = argparse.ArgumentParser.add_argument

    def checking(parser: argparse.ArgumentParser, *words: str, **given: Any) -> argparse.Action:
        action = add(parser, *words, **given)
        parser._check_help(action)  # type: ignore[attr-defined]
        return action

    def check(parser: argparse.ArgumentParser, action: argparse.Action) -> None:
        if not isinstance(action.help, str | None):
            raise ValueError("badly formed help string")

    monkeypatch.setattr(argparse.ArgumentParser, "_check_help", check, raising=False)
    monkeypatch.setattr(argparse.ArgumentParser, "add_argument", checking)
    with pytest.raises(ValueError, match="badly formed"):
        get_args_parser()
    assert toy("seed=3").code == 0
    assert toy("--cfg", "job").code == 0
    with pytest.raises(ValueError, match="badly formed"):
        get_args_parser()


@pytest.mark.slow
def test_several_folders_of_configurations(toy: Program, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / f"{name}.yaml").write_text("width: 512\n")
    places = [f"hydra.searchpath=['file://{tmp_path}/one']", "--config-dir", str(tmp_path / "two")]
    assert [toy(f"model={name}", *places, "--cfg", "job").code for name in ("one", "two", "three")] == [0, 0, 2]


@pytest.mark.slow
def test_the_environment_file_of_the_folder(toy: Program, tmp_path: Path) -> None:
    (toy.folder / ".env").write_text(f"SPARRING_LOG_DIR={tmp_path}/from_file\n")
    toy()
    toy(SPARRING_LOG_DIR=str(tmp_path / "from_shell"))
    for name in ("from_file", "from_shell"):
        assert len(list(tmp_path.glob(f"{name}/toy/*/record_0.json"))) == 1
    (toy.folder / ".env").write_bytes(b"\xff\xfe")
    result = toy()
    assert result.code == 2
    assert result.err.startswith(f"error: {toy.folder / '.env'} cannot be read: ")


@pytest.mark.slow
def test_children_of_lightning_use_the_same_directory(toy: Program, tmp_path: Path) -> None:
    assert toy("act=children", "seed=5", cwd=tmp_path).code == 0
    (run,) = toy.runs()
    assert toy.record(run, rank=1)["seed"] == 5
    assert toy.record(run, rank=1)["run_dir"] == str(run)


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["RANK", "SLURM_PROCID"])
def test_other_ranks_make_no_directory(
    toy: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    result = toy("seed=5", TMPDIR=str(tmp_path))
    assert result.code == 0
    assert not (toy.folder / "logs").exists()
    assert not list(tmp_path.glob("sparring_rank*"))


@pytest.mark.slow
def test_a_job_of_a_cluster_is_named(toy: Program) -> None:
    toy(SLURM_JOB_ID="4711", SLURM_PROCID="0")
    (run,) = toy.runs()
    assert "_4711-" in run.name


@pytest.mark.parametrize("text", ["a/b c", "x" * 300, "é=1,[2]", "'; rm"])
def test_names_of_folders(text: str) -> None:
    name = file_name(text)
    assert name
    assert os.sep not in name
    assert len(name) <= 100
    assert not set(name) & set(" =,[]'\";$")
