"""`latest`, and what is refused before a library is loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sparring.cli.early import _RESUMED, check_early, expand_latest
from sparring.core.errors import CheckpointError, ConfigError, DataError
from tests.cli.conftest import Program
from tests.conftest import CONF

HEAVY = ("torch", "lightning", "rich", "numpy", "wandb", "matplotlib")


def run(folder: Path, name: str, age: int, *, state: str = "finished", **result: Any) -> Path:
    """A run directory that ended `age` seconds ago."""
    path = folder / "train" / name
    path.mkdir(parents=True)
    (path / "status.json").write_text(json.dumps({"state": state}))
    if result:
        (path / "result.json").write_text(json.dumps({"verb": "train", **result}))
    moment = 1_700_000_000 - age
    os.utime(path / "status.json", (moment, moment))
    return path


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A GAN, then a classifier, then a restorer, then a run that was stopped."""
    run(tmp_path, "gan", 30, parameters={"generator": 1, "discriminator": 1})
    run(tmp_path, "classifier", 20, classification={}, parameters={"network": 1})
    run(tmp_path, "restorer", 15, parameters={"enhancer": 1, "discriminator": 1})
    run(tmp_path, "stopped", 10, state="interrupted")
    return tmp_path


@pytest.mark.parametrize(
    ("verb", "key", "name"),
    [
        ("generate", "run", "gan"),
        ("evaluate", "run", "gan"),
        ("attack", "run", "classifier"),
        ("enhance", "run", "restorer"),
        ("explain", "run", "classifier"),
        ("train", "resume", "stopped"),
        ("explain", "generator", "gan"),
        ("enhance", "classifier", "classifier"),
        ("attack", "defence.generator", "gan"),
    ],
)
def test_latest_is_the_newest_run_of_the_kind_that_the_verb_uses(logs: Path, verb: str, key: str, name: str) -> None:
    assert expand_latest(verb, [f"{key}=latest", "seed=2"], log_dir=logs) == [f"{key}='{logs}/train/{name}'", "seed=2"]


@pytest.mark.parametrize(
    ("verb", "key", "says"),
    [
        (
            "attack",
            "run",
            r"finished run of a classifier in .*/train for run=latest; make one with `.*train.* model=classifier`",
        ),
        (
            "generate",
            "classifier",
            r"finished run of a classifier in .*/train for classifier=latest; .* model=classifier`",
        ),
        ("enhance", "run", r"model=restorer or model=srgan in .*/train for run=latest; .* model=restorer`"),
        (
            "explain",
            "generator",
            r"finished run of a generator in .*/train for generator=latest; make one with `[^`]*train[^ ]*`",
        ),
        ("study", "resume", r"there is no run in .*/study for resume=latest; make one with `[^`]*study[^ ]*`"),
    ],
)
def test_without_one_the_error_says_what_was_looked_for_and_what_makes_one(
    verb: str, key: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=says):
        expand_latest(verb, [f"{key}=latest"], log_dir=tmp_path)


@pytest.mark.parametrize(
    ("verb", "with_runs", "without"),
    [
        (
            "generate",
            r"type `[^`]*generate[^` ]* run=latest`\.$",
            r"`[^`]*train[^` ]*` and then `[^`]*generate[^` ]* run=latest`",
        ),
        (
            "attack",
            r"type `[^`]*attack[^` ]* run=latest`\.$",
            r"train[^` ]* model=classifier` and then `[^`]* run=latest`\.$",
        ),
        ("report", r"type `[^`]*report[^` ]*`\.$", r"type `[^`]*report[^` ]*`\.$"),
    ],
)
def test_a_verb_that_resumes_nothing_says_what_works_instead(
    verb: str, with_runs: str, without: str, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for folder, says in ((logs, with_runs), (tmp_path_factory.mktemp("none"), without)):
        with pytest.raises(
            ConfigError, match=rf"only train and study go on with an earlier run, {verb} starts .*{says}"
        ):
            expand_latest(verb, ["resume=latest"], log_dir=folder)


def test_exactly_those_resume_that_have_the_setting() -> None:
    assert {file.stem for file in CONF.glob("*.yaml") if "\nresume:" in file.read_text("utf-8")} == set(_RESUMED)


def test_other_overrides_stay(tmp_path: Path) -> None:
    assert expand_latest("train", ["name=latest", "run=x"], log_dir=tmp_path) == ["name=latest", "run=x"]


def test_nothing_to_evaluate() -> None:
    with pytest.raises(ConfigError, match=r"nothing to evaluate.*run=latest"):
        check_early("evaluate", ["count=10"])
    check_early("evaluate", ["run=logs/train/x"])
    check_early("evaluate", ["images=folder", "reference=digits"])


def test_a_path_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.path=/no/where does not exist"):
        check_early("train", ["data.path=/no/where"])
    check_early("train", [f"data.path='{tmp_path}'"])
    check_early("train", ["data.path=null"])


def test_a_run_that_has_trained_its_budget_needs_a_larger_one(tmp_path: Path) -> None:
    whole = run(tmp_path, "whole", 1, budget=100, clock={"iteration": 100})
    with pytest.raises(ConfigError, match=r"has trained 100 of 100 iterations.*trainer.max_steps=200"):
        check_early("train", [f"resume={whole}"])
    check_early("train", [f"resume={whole}", "trainer.max_steps=150"])
    check_early("train", [f"resume={whole}", "trainer.max_epochs=3"])
    stopped_early = run(tmp_path, "early", 1, budget=100, clock={"iteration": 40})
    check_early("train", [f"resume={stopped_early}"])


def test_the_playground_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"needs the package gradio, which is not installed: pip install 'gradio>=6\.31,<7'"
    ):
        check_early("play", ["run=a"])
    check_early("generate", ["run=a"])


def test_importing_the_command_line_is_cheap(toy: Program) -> None:
    program = f"import sys, sparring.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--help", "logger"], ["trainer.max_step=5"], ["--cfg", "job"], ["-sc", "install=bash"]]
)
def test_nothing_heavy_is_imported_to_answer(toy: Program, arguments: list[str]) -> None:
    program = f"""\
import json, runpy, sys
sys.argv = {["toy.py", *arguments]!r}
try:
    runpy.run_path({str(toy.script)!r}, run_name="__main__")
except SystemExit:
    pass
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    environment = toy.environment()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
