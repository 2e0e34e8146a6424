"""A run directory of another schema version is refused in one sentence, whatever opens it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sparring.cli.resume import expand_dir, expand_resume
from sparring.config.check import check
from sparring.config.compose import CONFIG_DIR
from sparring.core.errors import CheckpointError
from sparring.run import weights
from sparring.run.directory import RunDir
from sparring.run.schema import SCHEMA_VERSION
from sparring.run.settings import read_settings, write_settings

OLDER = rf"has schema version 1 and this sparring reads version {SCHEMA_VERSION}: do the run again, or use the sparring that"
NEWER = rf"has schema version 99, newer than {SCHEMA_VERSION}, which this sparring reads: update sparring\."


def settings_without_a_version(run: Path) -> None:
    file = run / ".hydra" / "config.yaml"
    file.write_text(file.read_text().partition("\n")[2])


def status_of_the_first_version(run: Path) -> None:
    (run / "status.json").write_text(json.dumps({"schema_version": 1, "state": "finished", "reason": "", "clock": {}}))


def result_of_the_first_version(run: Path) -> None:
    (run / "result.json").write_text(json.dumps({"schema_version": 1, "verb": "train", "metrics": {}}, indent=2))


OLD = [settings_without_a_version, status_of_the_first_version, result_of_the_first_version]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "logs" / "train" / "run"
    write_settings(folder, {"seed": 3, "schema_versions": 1})
    with RunDir.create(folder) as opened:
        opened.write_status("finished", "3 iterations", 0, {"iteration": 3, "images_seen": 9}, None)
        opened.write_result({"verb": "train", "metrics": {}})
    return folder


def test_a_run_of_this_version_is_opened_and_its_settings_are_those_written(run: Path) -> None:
    RunDir.resume(run).close()
    assert RunDir.open(run).config == read_settings(run) == {"seed": 3, "schema_versions": 1}


@pytest.mark.parametrize("age", OLD, ids=lambda age: age.__name__)
def test_what_an_earlier_sparring_wrote_is_refused(age, run: Path) -> None:
    age(run)
    for opening in (RunDir.open, RunDir.resume):
        with pytest.raises(CheckpointError, match=rf"^{run} {OLDER} wrote it\.$"):
            opening(run)


@pytest.mark.parametrize("age", OLD, ids=lambda age: age.__name__)
@pytest.mark.parametrize("verb", ["generate", "evaluate", "attack"])
def test_every_verb_that_reads_a_run_refuses_it_before_anything_heavy_is_imported(verb: str, age, run: Path) -> None:
    age(run)
    with pytest.raises(CheckpointError, match=OLDER):
        check(verb, [f"run={run}"], config_dir=CONFIG_DIR)


@pytest.mark.parametrize("age", OLD, ids=lambda age: age.__name__)
def test_it_is_not_resumed(age, run: Path) -> None:
    age(run)
    with pytest.raises(CheckpointError, match=OLDER):
        expand_resume([f"resume={run}"], verb="train", log_dir=run.parents[1], sweep=False)


def test_a_study_does_not_go_on_in_one_either(run: Path) -> None:
    settings_without_a_version(run)
    given = expand_dir([f"dir={run}"], sweep=False)
    (resumed,) = [item.partition("=")[2].strip("'") for item in given if item.startswith("resume=")]
    with pytest.raises(CheckpointError, match=OLDER):
        RunDir.resume(resumed)


def test_a_newer_one_asks_for_a_newer_sparring(run: Path) -> None:
    file = run / ".hydra" / "config.yaml"
    file.write_text(file.read_text().replace(f"schema_version: {SCHEMA_VERSION}", "schema_version: 99"))
    with pytest.raises(CheckpointError, match=NEWER):
        RunDir.open(run)


def test_a_result_that_was_put_there_later_is_refused_when_it_is_read(run: Path) -> None:
    opened = RunDir.open(run)
    result_of_the_first_version(run)
    with pytest.raises(CheckpointError, match=rf"result\.json {OLDER}"):
        opened.result()


def test_weights_of_an_earlier_version_are_refused(run: Path) -> None:
    tensors = {"ema.weight": torch.arange(3.0)}
    file = run / "weights.safetensors"
    weights.save(file, tensors, {"iteration": "3"})
    stated = weights.stored_metadata(file)
    assert stated["schema_version"] == str(SCHEMA_VERSION)
    save_file(tensors, file, {key: value for key, value in stated.items() if key != "schema_version"})
    for read in (weights.load, weights.stored_metadata, weights.stored_hash):
        with pytest.raises(CheckpointError, match=rf"^{file} {OLDER}"):
            read(file)
