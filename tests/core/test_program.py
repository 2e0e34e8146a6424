"""How a process says that it was started: what follows for its files, its children and the commands in its messages."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from sparring.core.package import FOLDER
from sparring.core.program import command, hint, restart, root, script


def start(monkeypatch: pytest.MonkeyPatch, program: Path | str) -> None:
    monkeypatch.setattr(sys, "argv", [str(program), "seed=2"])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with train.py, generate.py and the conf/ of both."""
    (tmp_path / "a checkout" / "conf").mkdir(parents=True)
    for verb in ("train", "generate"):
        (tmp_path / "a checkout" / f"{verb}.py").touch()
        (tmp_path / "a checkout" / "conf" / f"{verb}.yaml").touch()
    return tmp_path / "a checkout"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a virtual environment's programs, which the shell does not know; python is the one that runs."""
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "sparring"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    return folder


def test_a_script_of_a_checkout(checkout: Path, environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PATH", str(environment))
    start(monkeypatch, "train.py")
    assert (script(), root()) == (checkout / "train.py", checkout)
    assert command("generate") == hint("generate") == "python generate.py"
    assert restart("seed=2") == [str(environment / "python"), str(checkout / "train.py"), "seed=2"]


def test_a_script_from_elsewhere(
    checkout: Path, environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(environment.parent)
    start(monkeypatch, "../a checkout/train.py")
    assert root() == checkout
    assert shlex.split(hint("train", "seed=3")) == ["bin/python", str(checkout / "train.py"), "seed=3"]
    assert command("train", "name=a b") == "python train.py 'name=a b'"


def test_the_console_command(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start(monkeypatch, environment / "sparring")
    assert (script(), root()) == (None, tmp_path)
    assert command("train", "seed=2") == "sparring train seed=2"
    assert hint("train", "seed=2") == "venv/bin/sparring train seed=2"
    assert restart("train") == [str(environment / "python"), str(environment / "sparring"), "train"]
    monkeypatch.setenv("PATH", os.pathsep.join(["/nowhere", str(environment)]))
    assert hint("train", "seed=2") == "sparring train seed=2"
    monkeypatch.chdir(environment)
    monkeypatch.setenv("PATH", "/nowhere")
    assert hint("train") == "./sparring train"


def test_another_environment_of_the_shell_is_not_taken_for_this_one(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("python", "sparring"):
        (other / name).symlink_to(environment / name)
    monkeypatch.setenv("PATH", str(other))
    monkeypatch.chdir(other)
    start(monkeypatch, environment / "sparring")
    assert hint("train") == f"{environment}/sparring train"


def test_the_module(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start(monkeypatch, FOLDER / "__main__.py")
    assert (script(), root()) == (None, tmp_path)
    assert command("study") == "python -m sparring study"
    assert hint("study") == "venv/bin/python -m sparring study"
    assert restart("study", "seed=2") == [str(environment / "python"), "-m", "sparring", "study", "seed=2"]


def test_any_other_program_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start(monkeypatch, "/anywhere/ipykernel_launcher.py")
    assert (root(), command("train"), hint("train")) == (tmp_path, "sparring train", "sparring train")
