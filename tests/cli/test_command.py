"""`sparring` and `python -m sparring`: the verbs, what stands where a verb belongs, versions, completion."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sparring import __version__
from sparring.cli import surroundings
from sparring.cli.command import main
from sparring.core.package import CONFIG_DIR
from tests.cli.conftest import ROOT, Program

Command = Callable[..., tuple[object, str, str]]  # words -> (exit code, stdout, stderr)
VERBS = ["attack", "enhance", "evaluate", "explain", "export", "generate", "play", "report", "study", "train"]
LISTED = f"{', '.join(VERBS[:-1])} and {VERBS[-1]}"


@pytest.fixture
def sparring(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Call of the command in this process: (exit code, stdout, stderr)."""

    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["/venv/bin/sparring", *words])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return call


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_the_verbs_with_what_they_do(words: list[str], sparring: Command) -> None:
    code, out, err = sparring(*words)
    assert (code, err) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in out.partition("Verbs\n")[2].partition("\n\n")[0].splitlines())
    assert rows.keys() == set(VERBS) == {path.stem for path in ROOT.glob("*.py")}
    for verb, line in rows.items():
        assert (CONFIG_DIR / f"{verb}.yaml").read_text().startswith(f"# {line}\n")


def test_help_of_a_verb_shows_the_command_that_was_typed(sparring: Command) -> None:
    code, out, err = sparring("train", "--help")
    assert (code, err) == (0, "")
    assert out.count("    sparring train ") >= 5
    assert "python train.py" not in out
    assert str(CONFIG_DIR) in out


def test_versions_are_ours(sparring: Command, tmp_path: Path) -> None:
    assert sparring("--version") == (0, f"sparring {__version__}\n", "")
    assert sparring("train", "--version") == (0, f"sparring {__version__}\n", "")
    script = Program(ROOT / "train.py")("--version", cwd=tmp_path)
    assert (script.code, script.out, script.err) == (0, f"sparring {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian"], f"there is no verb 'trian', did you mean train? (there are {LISTED})"),
        (["xyz"], f"there is no verb 'xyz' (there are {LISTED})"),
        (["-m", "train", "seed=1,2"], "'-m' stands where the verb belongs: write sparring train -m seed=1,2"),
        (["model=dcgan"], "'model=dcgan' stands where the verb belongs: write sparring train model=dcgan"),
        (["train", "modle=dcgan"], "there is no setting or group 'modle', did you mean model? (--cfg job shows what there is)"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_one_sentence(words: list[str], says: str, sparring: Command) -> None:
    assert sparring(*words) == (2, "", f"error: {says}\n")


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "sparring", "evaluat"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no verb 'evaluat', did you mean evaluate? ")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("sparring ", sorted([*VERBS, "docs"])),
        ("sparring d", ["docs"]),
        ("sparring e", ["enhance", "evaluate", "explain", "export"]),
        ("sparring train model=dc", ["model=dcgan"]),
        ("sparring attack attack=fg", ["attack=fgsm"]),
        ("sparring nothing x", []),
    ],
)
def test_a_shell_completes_verbs_and_what_follows(line: str, offered: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sparring", "-sc", "query=bash"], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "COMP_LINE": line}, check=True,
    )  # fmt: skip
    assert done.stdout.split() == offered
    assert done.stderr == ""


def test_an_untested_python_is_said_once(sparring: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "_NEWEST_TESTED", (3, 10))
    monkeypatch.delenv("SPARRING_UNTESTED_PYTHON", raising=False)
    used = ".".join(map(str, sys.version_info[:2]))
    code, _, err = sparring("train", "--help")
    assert (code, err) == (0, f"Python {used} is untested with sparring; it was tested with Python 3.11 to 3.10.\n")
    assert sparring("train", "--help")[2] == ""  # as in a process that this one starts
    monkeypatch.delenv("SPARRING_UNTESTED_PYTHON")
