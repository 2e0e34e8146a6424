"""`resume=<run dir>` brings back what was typed, and nothing that could run a stranger's code."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from sparring.cli.resume import expand_resume
from sparring.config.compose import compose_all, hydra_at, quoted, resolved
from sparring.config.plain import plain
from sparring.core.errors import CheckpointError, ConfigError
from sparring.run.search import find_run
from sparring.run.settings import write_settings
from sparring.run.status import remember
from tests.cli.conftest import Program


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "logs" / "train" / "it's a run"
    write_settings(folder, {"seed": 3})
    saved = ["model=large", "seed=3", "trainer.max_steps=10", "+a.b=1", "resume=/old", "extensions=[evil]"]
    saved += ["+extensions=[evil]", "hydra.searchpath=[file:///evil]", "hydra/launcher=evil"]
    (folder / ".hydra" / "overrides.yaml").write_text("".join(f"- '{item}'\n" for item in saved))
    return folder


def expanded(typed: list[str], run: Path) -> list[str]:
    return expand_resume(typed, verb="train", log_dir=run.parents[1], sweep=False)


def test_saved_overrides_come_first_and_typed_ones_replace_them(run: Path) -> None:
    result = expanded([f"resume={run}", "trainer.max_steps=20", "+a.b=2"], run)
    quoted = "'" + str(run).replace("'", "\\'") + "'"
    assert result[:4] == ["model=large", "seed=3", "trainer.max_steps=20", "+a.b=2"]
    assert result[4:7] == [f"resume={quoted}", f"hydra.run.dir={quoted}", "hydra.output_subdir=null"]
    assert not any("evil" in item for item in result)


def test_a_child_of_lightning_does_not_expand_again(run: Path) -> None:
    once = expanded([f"resume={run}"], run)
    assert expanded([*once, "hydra.job.name=train_ddp_process_1"], run)[: len(once)] == once


def test_without_resume_nothing_changes(run: Path) -> None:
    assert expanded(["seed=1"], run) == ["seed=1"]
    assert expanded(["resume=null"], run) == ["resume=null"]


@pytest.mark.parametrize("given", ["logs/train/it's a run", "it's a run", "train/it's a run"])
def test_where_the_directory_is_looked_for(
    run: Path, given: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parents[1] if given.startswith("train") else tmp_path_factory.mktemp("elsewhere"))
    assert find_run(given, run.parents[1]) == run


def test_no_run_there(run: Path) -> None:
    with pytest.raises(CheckpointError, match=r"did you mean .*it's a run"):
        expanded([f"resume={run.parent}/it's a ruin"], run)
    with pytest.raises(CheckpointError):
        expanded([f"resume={run.parent}"], run)


def test_what_cannot_go_with_it(run: Path) -> None:
    with pytest.raises(ConfigError, match="without -m"):
        expand_resume([f"resume={run}"], verb="train", log_dir=run.parents[1], sweep=True)
    with pytest.raises(ConfigError, match=r"hydra\.run\.dir"):
        expanded([f"resume={run}", "hydra.run.dir=x"], run)


def test_an_accepted_resume_is_remembered(toy: Program, run: Path) -> None:
    overrides = [f"resume={quoted(run)}", "trainer.max_steps=20", "hydra.verbose=true"]
    with hydra_at(toy.folder / "conf", "toy"):
        remember(run, plain(resolved(compose_all("toy", overrides))))
    assert expanded([f"resume={run}"], run)[0] == "trainer.max_steps=20"
    saved = OmegaConf.load(run / ".hydra" / "config.yaml")
    assert (saved.trainer.max_steps, saved.resume, saved.name) == (20, None, "small_digits")


@pytest.mark.slow
def test_from_start_to_resume_with_a_child(toy: Program, tmp_path: Path) -> None:
    toy("seed=3", "model.width=4")
    (run,) = toy.runs()
    before = (run / ".hydra" / "overrides.yaml").read_text()
    result = toy(f"resume=logs/toy/{run.name}", "trainer.max_steps=20", "act=children", cwd=tmp_path)
    assert (result.code, result.err) == (0, f"Run: {run.relative_to(tmp_path)}\n")
    assert toy.runs() == [run]
    for rank in (0, 1):
        record = toy.record(run, rank)
        assert (record["seed"], record["steps"], record["resume"], record["run_dir"]) == (3, 20, str(run), str(run))
    assert (run / ".hydra" / "overrides.yaml").read_text() == before


def test_a_missing_run_is_refused_before_anything_is_written(toy: Program) -> None:
    result = toy("resume=logs/toy/nowhere")
    assert result.code == 6
    assert "nowhere" in result.err
    assert not (toy.folder / "logs").exists()
