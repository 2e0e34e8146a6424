"""What every verb leaves in result.json is what result.schema.json says."""

import json
from pathlib import Path
from typing import Any

import pytest
import wandb
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf
from PIL import Image

from sparring.config.compose import compose as compose_verb
from sparring.report.outcome import outcome
from sparring.run.directory import RunDir
from sparring.run.schema import RESULT_SCHEMA
from sparring.stage import call
from tests.conftest import TINY, compose, trained_here
from tests.logger.wandb_runs import offline_run

SCHEMA = Draft202012Validator(json.loads(RESULT_SCHEMA.read_text()))
METRIC = {"value": 0.5, "std": None, "interval": [0.25, 0.75], "protocol": {"split": "test"}, "direction": "higher"}


def result_of(run: Path) -> dict[str, Any]:
    """The result of a run, after a check against the schema."""
    result = json.loads((run / "result.json").read_text())
    problems = [f"{'.'.join(map(str, each.absolute_path))}: {each.message}" for each in SCHEMA.iter_errors(result)]
    assert not problems, problems
    return result


def called(verb: str, run: Path, cache_dir: Path, *overrides: str) -> dict[str, Any]:
    config = compose(*overrides, "device=cpu", f"paths.cache_dir={cache_dir}", config=verb, run_dir=run)
    OmegaConf.resolve(config)
    call(verb, config, run)
    result = result_of(run)
    if "logger=wandb" in overrides:
        check_wandb(run, result)
    return result


def check_wandb(run: Path, result: dict[str, Any]) -> dict[str, Any]:
    """The offline file of a run, after a check that it holds the verb, the sentence, every number and every picture."""
    wandb.teardown()  # its process has then written everything
    found = offline_run(run)
    assert (found["run"].job_type, found["exit"]) == (result["verb"], 0)
    assert found["run"].display_name.startswith(run.name)
    assert found["summary"]["result"] == outcome(result).words
    known = {name: each["value"] for name, each in result["metrics"].items() if each["value"] is not None}
    assert {name: found["summary"][name] for name in known} == known
    assert found["summary"]["cost/seconds"] == result["cost"]["seconds"]
    logged = {key for row in found["history"] for key in row}
    assert {f"images/{path.stem}._type" for path in (run / "images").glob("*.png")} <= logged
    assert ("tables/metrics._type" in logged) == bool(known)
    return found


@pytest.fixture(scope="module")
def gan_run(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    return trained_here(tmp_path_factory.mktemp("gan") / "run", cache_dir, *TINY, "trainer.max_steps=2")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)


def test_training_a_classifier(victim_run: Path) -> None:
    result = result_of(victim_run)
    assert set(result["metrics"]) == {
        f"{split}/{name}" for split in ("val", "test") for name in ("accuracy", "ece", "cross_entropy")
    }
    assert result["metrics"]["test/ece"]["direction"] == "lower"
    assert result["metrics"]["test/accuracy"]["protocol"] == {
        "split": "test", "images": 355, "network": "ema", "interval": "95 % Wilson, over images"
    }  # fmt: skip
    test = result["classification"]["test"]
    assert sum(map(sum, test["confusion"])) == 355
    confidence = [each["confidence"] for each in test["mistakes"]]
    assert 0 < len(confidence) <= 16
    assert confidence == sorted(confidence, reverse=True)
    assert Image.open(victim_run / "images" / "mistakes.png").size == (8 * len(confidence), 8)


def test_training_a_gan_and_drawing_from_it(gan_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    metrics = result_of(gan_run)["metrics"]
    assert set(metrics) == {"train/diversity_pixels_200", "train/agreement_pixels_200", "test/fd_pixels_8x8_500"}
    assert metrics["train/diversity_pixels_200"]["direction"] == "near_reference"
    drawn = called(
        "generate", tmp_path / "out", cache_dir, f"run={gan_run}", "count=4", "morph=[3,8]", "frames=3", "logger=wandb"
    )
    assert (drawn["name"], drawn["metrics"]) == ("test", {})
    files = {"grid": "images/grid.png", "morph": "images/morph.png", "morph_gif": "images/morph.gif"}
    assert drawn["files"] == files
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["files"], manifest["settings"]["morph"]) == (files, [3, 8])
    assert all((tmp_path / "out" / file).stat().st_size for file in files.values())


@pytest.mark.slow
def test_training_a_perturber(victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    keys = ["model=advgan", f"model.target={victim_run}", "model.epsilon=0.2", "data.image_size=8", "model.target_class=8",
            "model.perturber.width=4", "model.discriminator.width=4", "trainer.max_steps=1"]  # fmt: skip
    metrics = result_of(trained_here(tmp_path / "run", cache_dir, *keys))["metrics"]
    robust = {f"test/robust_accuracy/{name}@51/255" for name in ("noise", "pgd", "advgan")}
    assert set(metrics) == {"test/accuracy", "test/targeted_success_rate"} | robust


@pytest.mark.slow
def test_evaluating(gan_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    few = [
        "count=20",
        "repeats=2",
        "splits=[train,test]",
        "metric.names=[fd,authentic,agreement]",
        "metric/features=pixels",
    ]
    result = called("evaluate", tmp_path / "out", cache_dir, f"run={gan_run}", *few, "report=false", "logger=wandb")
    by_name = {f"{each['split']}/{each['name']}": each for each in result["records"]}
    assert set(result["metrics"]) == set(by_name)
    name = "test/fd_pixels_20"
    fd = result["metrics"][name]
    assert (fd["value"], fd["std"]) == (by_name[name]["value"], by_name[name]["std"])
    assert fd["direction"] == "lower"
    assert (fd["protocol"]["reference"]["split"], fd["protocol"]["count"]) == ("test", 20)
    assert result["metrics"]["train/authentic_pixels_20"]["direction"] == "near_reference"
    without = result["metrics"]["test/agreement_pixels_20"]  # pixels classify nothing
    assert without["value"] is None
    assert without["reason"]


@pytest.mark.slow
def test_attacking(victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    few = ["attack=default", "attack.pgd.steps=2", "attack.apgd.steps=2", "attack.square.queries=2", "count=20", "probe=0",
           "epsilon=[8/255,0.1]", "corruptions=[fog]", f"baseline={victim_run}"]  # fmt: skip
    result = called("attack", tmp_path / "out", cache_dir, f"run={victim_run}", *few, "logger=wandb")
    robust = {
        f"test/robust_accuracy/{name}@{epsilon}"
        for name in ("fgsm", "pgd", "apgd", "square", "worst_case")
        for epsilon in ("8/255", "25.5/255")
    }
    others = {"test/accuracy", "test/ece", "test/corruption_accuracy", "test/corruption_ece", "test/mce"}
    assert set(result["metrics"]) == robust | others
    for name, rows in result["attacks"].items():
        assert result["metrics"][f"test/robust_accuracy/{name}@25.5/255"]["value"] == rows[1]["accuracy"]
    assert result["metrics"]["test/robust_accuracy/worst_case@8/255"]["value"] == result["worst"][0]["accuracy"]
    assert result["metrics"]["test/accuracy"]["value"] == result["clean"]["accuracy"]


@pytest.mark.slow
def test_a_study(cache_dir: Path, tmp_path: Path) -> None:
    few = ["study=seed_noise", "study.replicates=2", "study.labels_per_class=[5]", "study.steps=2", "data.image_size=8",
           "executor=inline", f"paths.cache_dir={cache_dir}", "logger=wandb",
           f"logger.wandb.save_dir={tmp_path / 'study'}"]  # fmt: skip
    call("study", compose_verb("study", few), tmp_path / "study")
    result = result_of(tmp_path / "study")
    found = check_wandb(tmp_path / "study", result)
    assert found["summary"]["conclusion"] == result["analysis"]["conclusion"]
    logged = {key for row in found["history"] for key in row}
    assert {f"tables/{table['title']}._type" for table in result["analysis"]["tables"]} <= logged
    assert {f"images/{plot['title']}._type" for plot in result["analysis"]["plots"]} <= logged
    (comparison,) = result["analysis"]["comparisons"]
    ((name, metric),) = result["metrics"].items()
    assert name.startswith(f"difference/test accuracy/{comparison['arm']} - {comparison['baseline']}/")
    assert (metric["value"], metric["interval"]) == (comparison["delta"], comparison["t_interval"])
    for cell in (tmp_path / "study" / "cells").glob("**/result.json"):
        result_of(cell.parent)


def whole(**changes: Any) -> dict[str, Any]:
    """A small result that the schema accepts, with `changes`."""
    environment = dict.fromkeys(["sparring", "git", "python", "platform", "packages", "device", "usable_cores"], "")
    fixed = {
        "schema_version": 2, "verb": "generate", "name": "images", "config_hash": "0" * 64, "data": {}, "metrics": {},
        "files": {}, "cost": {"seconds": 1.0, "images": 1}, "environment": environment,
    }  # fmt: skip
    return fixed | changes


def evaluated(metric: Any) -> dict[str, Any]:
    """The same of an evaluation of one metric."""
    result = whole(verb="evaluate", metrics={"test/fd": metric}, subject={}, records=[], discriminator=None)
    del result["files"]
    return result


def test_a_small_result_is_accepted() -> None:
    assert SCHEMA.is_valid(whole())
    assert SCHEMA.is_valid(evaluated(METRIC))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 1},
        {"verb": "paint"},
        {"config_hash": "0"},
        {"metrics": [METRIC]},
        {"metrics": {"test/accuracy": 0.5}},
        {"cost": {}},
        {"remarks": "none"},
        {"classes": ["cat"]},  # of another verb
    ],
    ids=str,
)
def test_another_result_is_not(changes: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(whole(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "up"},
        {"std": -1.0},
        {"interval": [0.5]},
        {"protocol": None},
        {"reason": "it has a value"},
        {"p": 0.5},
    ],
    ids=str,
)
def test_another_metric_is_not(changes: dict[str, Any]) -> None:
    evaluated = whole(
        verb="evaluate", metrics={"test/fd": METRIC | changes}, subject={}, records=[], discriminator=None
    )
    del evaluated["files"]
    assert not SCHEMA.is_valid(evaluated)


@pytest.mark.parametrize("missing", sorted(METRIC))
def test_a_metric_states_everything(missing: str) -> None:
    metric = {key: value for key, value in METRIC.items() if key != missing}
    assert not SCHEMA.is_valid(evaluated(metric))


def test_numbers_that_are_not_finite_are_null(tmp_path: Path) -> None:
    RunDir(tmp_path).write_result(whole(verb="evaluate", metrics={"a": METRIC | {"interval": [float("nan"), 1.0]}}))
    assert json.loads((tmp_path / "result.json").read_text())["metrics"]["a"]["interval"] == [None, 1.0]
