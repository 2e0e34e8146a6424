"""The real train.py and generate.py: that they answer at once, and that the command lines of the README mean what they say."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sparring.cli.check import check
from sparring.cli.config import CONFIG_DIR, compose

from .conftest import ROOT, Program

TRAIN = Program(ROOT / "train.py")
GENERATE = Program(ROOT / "generate.py")
ATTACK = Program(ROOT / "attack.py")
SECONDS = 4.0  # the target is 1.5 on a quiet machine; tests run beside others


def timed(program: Program, *arguments: str, cwd: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    start = time.perf_counter()
    command, environment = program.command(*arguments), program.environment()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return done, time.perf_counter() - start


@pytest.mark.parametrize("program", [TRAIN, GENERATE, ATTACK], ids=["train", "generate", "attack"])
def test_help_answers_at_once(program: Program, tmp_path: Path) -> None:
    done, seconds = timed(program, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert seconds < SECONDS
    assert len(done.stdout.splitlines()) < 110
    assert done.stdout.count(f"    python {program.script.name} ") >= 5  # examples
    assert "_target_" not in done.stdout


def test_a_typo_answers_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    done, seconds = timed(TRAIN, "trainer.max_step=5", f"paths.log_dir={tmp_path}/logs", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean trainer.max_steps?" in done.stderr
    assert done.stderr.count("\n") == 1
    assert seconds < SECONDS
    assert not list(tmp_path.iterdir())


def test_help_lists_every_choice(tmp_path: Path) -> None:
    text = TRAIN("--help", cwd=tmp_path).out
    for group in ("data", "model", "model/loss", "model/generator", "trainer", "logger"):
        row = next(line for line in text.splitlines() if line.split()[:1] == [group])
        for file in (CONFIG_DIR / group).glob("[!_]*.yaml"):
            assert file.stem in text[text.index(row) :]


@pytest.mark.parametrize(
    ("verb", "overrides", "sweep"),
    [
        ("train", ["model=dcgan", "data=cifar10", "trainer.devices=2"], False),
        ("train", ["model=dcgan,r3gan", "seed=1,2"], True),
        ("train", ["debug=fast", "logger=[csv,wandb]", "trainer=ddp_cpu", "model/regularizer=[r1]"], False),
        ("train", ["optimizer@model.generator_optimizer=adamw", "model.generator_optimizer.lr=1e-3"], False),
    ],
)
def test_command_lines_of_the_readme(verb: str, overrides: list[str], sweep: bool) -> None:
    check(verb, overrides, config_dir=CONFIG_DIR, sweep=sweep)


def test_composing_outside_the_command_line() -> None:
    config = compose("train", ["model=dcgan", "seed=7"])
    assert (config.name, config.data.seed) == ("dcgan_digits", 7)
    assert config.paths.log_dir.startswith("/")
    assert "hydra" not in config


def test_generate_needs_a_run_that_exists(tmp_path: Path) -> None:
    missing = GENERATE(cwd=tmp_path)
    assert (missing.code, missing.err) == (2, "error: run must be given: add run=<value> to the command line.\n")
    wrong = GENERATE("run=nowhere", f"paths.log_dir={tmp_path}", cwd=tmp_path)
    assert wrong.code == 6
    assert "nowhere" in wrong.err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_sweep_with_a_failing_job(tmp_path: Path) -> None:
    arguments = ["-m", "debug=fast", "seed=1", "data.batch_size=4,999999", f"paths.log_dir={tmp_path}/logs"]
    done, _ = timed(TRAIN, *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "1 of 2 jobs finished, 1 did not" in done.stdout
    (sweep,) = (tmp_path / "logs" / "train").iterdir()
    good, bad = sweep / "0_batch_size-4", sweep / "1_batch_size-999999"
    assert json.loads((good / "status.json").read_text())["state"] == "finished"
    assert not (bad / "weights.safetensors").exists()
    assert "999999" in done.stderr


@pytest.mark.slow
def test_two_devices_in_a_sweep_and_in_its_resume(tmp_path: Path) -> None:
    """Lightning's children: they start no sweep, make no directory, and find their way when the run is resumed."""
    logs = f"paths.log_dir={tmp_path}/logs"
    done, _ = timed(TRAIN, "-m", "debug=fast", "trainer=ddp_cpu", "seed=5", logs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (sweep,) = (tmp_path / "logs" / "train").iterdir()
    (run,) = (path for path in sweep.iterdir() if path.is_dir())
    done, _ = timed(TRAIN, f"resume={run}", "trainer.max_steps=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((run / "status.json").read_text())["clock"]["iteration"] == 2
    assert sorted(path.name for path in tmp_path.rglob("status.json")) == ["status.json"]


def test_everything_heavy_waits_for_the_stage() -> None:
    program = f"""\
import runpy, sys
sys.argv = ["train.py", "seed=x"]
try:
    runpy.run_path({str(TRAIN.script)!r}, run_name="__main__")
except SystemExit as end:
    assert end.code == 2
print([name for name in ("torch", "lightning", "numpy", "rich") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
