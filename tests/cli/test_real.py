"""The real train.py and generate.py: that they answer at once, and that the command lines of the README mean what they say."""

import json
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sparring.config.check import check
from sparring.config.compose import CONFIG_DIR, compose
from sparring.core.errors import ConfigError
from sparring.run.settings import write_settings
from tests.cli.conftest import ROOT, Program
from tests.conftest import command

TRAIN = Program(ROOT / "train.py")
GENERATE = Program(ROOT / "generate.py")
ATTACK = Program(ROOT / "attack.py")
CPU_SECONDS = 3.0  # the target is 1.5 on a quiet machine; beside other processes a core does less in a second


def timed(program: Program, *arguments: str, cwd: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """What the program left, and the CPU seconds that it took."""
    start = cpu_seconds_of_children()
    command, environment = program.command(*arguments), program.environment()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return done, cpu_seconds_of_children() - start


def cpu_seconds_of_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@pytest.mark.parametrize("program", [TRAIN, GENERATE, ATTACK], ids=["train", "generate", "attack"])
def test_help_answers_at_once(program: Program, tmp_path: Path) -> None:
    done, seconds = timed(program, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert seconds < CPU_SECONDS
    assert len(done.stdout.splitlines()) < 120
    assert done.stdout.count(f"    python {program.script.name} ") >= 5  # examples
    assert "_target_" not in done.stdout


def test_a_typo_answers_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    done, seconds = timed(TRAIN, "trainer.max_step=5", f"paths.log_dir={tmp_path}/logs", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean trainer.max_steps?" in done.stderr
    assert done.stderr.count("\n") == 1
    assert seconds < CPU_SECONDS
    assert not list(tmp_path.iterdir())


def test_help_lists_every_choice(tmp_path: Path) -> None:
    text = TRAIN("--help", cwd=tmp_path).out
    for group in ("data", "model", "model/loss", "model/generator", "trainer", "logger"):
        row = next(line for line in text.splitlines() if line.split()[:1] == [group])
        for file in (CONFIG_DIR / group).glob("[!_]*.yaml"):
            assert file.stem in text[text.index(row) :]


def readme_commands() -> list[list[str]]:
    """The words of every `python <verb>.py ...` line that README.md shows, without the interpreter."""
    lines = (line.strip() for line in (ROOT / "README.md").read_text().splitlines())
    found = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("python ") and ".py" in line]
    return [words for words in found if "--help" not in words]


def test_the_readme_shows_commands_of_every_verb() -> None:
    assert {words[0] for words in readme_commands()} == {path.name for path in ROOT.glob("*.py")}


GAMES_OF_THE_README = {"run": "gan.GAN", "classifier": "classifier.Classifier", "restorer": "restorer.Restorer"}


@pytest.mark.slow
@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_command_lines_of_the_readme(words: list[str], tmp_path: Path) -> None:
    """Composed and checked as typed, the settings of a run standing for each that is named in angle brackets."""
    for name, game in GAMES_OF_THE_README.items():
        write_settings(tmp_path / name, {"trainer": {"max_steps": 1}, "model": {"_target_": f"sparring.model.{game}"}})
    write_settings(tmp_path / "images", {"sampling": {}, "format": ["parquet"]})  # of generate
    words = [word.replace("logs/generate/<run>", "<images>") for word in words]
    typed = [re.sub(r"run=latest$", "run=<run>", word) for word in words[1:] if word != "-m"]
    overrides = [re.sub(r"[\w./-]*<([^>]*)>", rf"{tmp_path}/\1", word) for word in typed]
    assert not any("<" in word for word in overrides)
    check(words[0].removesuffix(".py"), overrides, config_dir=CONFIG_DIR, sweep="-m" in words)


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


@pytest.mark.parametrize(
    ("verb", "word", "code", "says"),
    [
        ("train", "data.path=/nowhere", 3, "data.path=/nowhere does not exist"),
        ("train", "model.generator._target_=os.system", 2, "os.system is not allowed"),
        ("train", "resume=latest", 2, "is finished: it has trained 5 of 5 iterations"),
        ("evaluate", "batch_size=8", 2, "there is nothing to evaluate"),
        ("evaluate", "run={run}", 6, "holds no generator (it trained a classifier)"),
        ("generate", "run=latest", 6, "there is no finished run of a generator"),
    ],
)
def test_what_cannot_work_is_refused_before_torch(verb: str, word: str, code: int, says: str, tmp_path: Path) -> None:
    """Beside a classifier's run that is finished."""
    run = tmp_path / "train" / "classifier"
    write_settings(run, compose("train", ["model=classifier", f"paths.run_dir={run}"]))
    (run / "status.json").write_text(json.dumps({"schema_version": 2, "state": "finished"}))
    result = {"schema_version": 2, "verb": "train", "budget": 5, "clock": {"iteration": 5}, "classification": {}}
    (run / "result.json").write_text(json.dumps(result))
    words = [word.format(run=run), f"paths.log_dir={tmp_path}"]
    done, seconds = timed(Program(ROOT / f"{verb}.py"), *words, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1].count(says)) == (code, 1), done.stderr
    assert seconds < CPU_SECONDS
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


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
    command(f"resume={run}", "trainer.max_steps=2", cwd=tmp_path)  # a fork; those of above started from nothing
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


def test_mixed_data_are_found_by_the_name_that_they_do_not_have() -> None:
    with pytest.raises(ConfigError, match=r"data has no choice 'mixed', .*data=<data set> data/mix=images \(it has"):
        check("train", ["data=mixed"], config_dir=CONFIG_DIR, sweep=False)
