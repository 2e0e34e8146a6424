"""The package in examples/extending runs as its README says, each component once."""

import os
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.warm import WARM

EXAMPLE = ROOT / "examples" / "extending"
LEAVES = sorted(file.relative_to(EXAMPLE / "conf") for file in (EXAMPLE / "conf").rglob("*.yaml"))


def run(verb: str, logs: Path, cache_dir: Path, *overrides: str) -> Path:
    """Type the command; the directory of the run that it leaves."""
    places = [f"paths.log_dir={logs}", f"paths.cache_dir={cache_dir}", "extensions=[mine]"]
    command = [str(ROOT / f"{verb}.py"), "--config-dir", str(EXAMPLE / "conf"), *places, *overrides]
    before = set(logs.glob(f"{verb}/*"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLE), os.environ.get("PYTHONPATH", "")])}
    done = WARM.run(command, environment=environment, cwd=ROOT, timeout=280)
    assert done.returncode == 0, done.stderr
    (folder,) = set(logs.glob(f"{verb}/*")) - before
    return folder


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_every_yaml_names_a_class_of_the_file_of_its_name(leaf: Path) -> None:
    content = yaml.safe_load((EXAMPLE / "conf" / leaf).read_text())
    content = content.get("source", content.get(leaf.stem, content))
    assert content["_target_"].startswith(f"mine.{leaf.stem}.")
    assert (EXAMPLE / "mine" / f"{leaf.stem}.py").is_file()


@pytest.mark.slow
def test_the_components_run_together(tmp_path: Path, cache_dir: Path) -> None:
    short = ["data=stripes", "trainer.max_steps=20", "data.batch_size=32", "report=false"]
    parts = ["model/generator=bilinear", "model/loss=tempered", "model/regularizer=[drift]"]
    gan = run("train", tmp_path, cache_dir, *short, *parts)
    assert "penalty/drift" in (gan / "metrics.csv").read_text().splitlines()[0]
    classifier = run("train", tmp_path, cache_dir, *short, "model=classifier", "model/transform=[invert]")
    attack = run("attack", tmp_path, cache_dir, f"run={classifier}", "attack=brightness", "epsilon=0.2")
    assert (attack / "report.html").exists()


@pytest.mark.slow
def test_the_study_runs(tmp_path: Path, cache_dir: Path) -> None:
    few = ["study=width", "data=stripes", "study.replicates=2", "study.steps=5", "executor=inline"]
    study = run("study", tmp_path, cache_dir, *few)
    assert "Does a wider network" in (study / "report.html").read_text()
