"""Every preset, leaf and experiment composes, builds and trains one tiny iteration; a new YAML is tested by existing."""

import importlib.util
import re
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from sparring.config.build import build
from sparring.config.compose import compose as study_config
from sparring.core.errors import ConfigError
from sparring.model.layer import spectral
from sparring.stage.train import train
from sparring.study.engine.compose import composing
from sparring.study.engine.context import StudyContext
from sparring.study.engine.plan import plan
from sparring.trained.runs import build_model
from sparring.training.training import Training
from tests.conftest import CONF, TINY, compose
from tests.leaves import slow_but
from tests.model.pairwise import Row
from tests.model.rows import FEW, GROUPS, overrides
from tests.model.rows import name as row_name


def choices(group: str) -> list[str]:
    return [path.stem for path in sorted((CONF / group).glob("*.yaml")) if not path.stem.startswith("_")]


NEEDED = {"advgan": ["model.target=run"]}  # settings without a default

CONDITIONING = [("none", "none"), ("concat", "projection")]


DRAW_POINTS = ("gan", "flow", "ssgan")  # all that take data=toy2d; the others say so

SHAPE = ("channels", "image_size", "num_classes")  # all that a model's settings refer to
OWN_SHAPE = ["data.image_size=16", "data.channels=3", "data.num_classes=3"]  # of data sets that have none


@cache
def data_sets() -> dict[str, DictConfig]:
    """The section `data` of every data set."""
    own = {"arrays": OWN_SHAPE, "folder": OWN_SHAPE, "hub": OWN_SHAPE, "webdataset": OWN_SHAPE}
    return {name: compose(f"data={name}", *own.get(name, [])).data for name in choices("data")}


def test_models_refer_to_the_shape_of_data_alone() -> None:
    files = [file for group in ("model", "optimizer") for file in (CONF / group).rglob("*.yaml")]
    keys = {key for file in files for key in re.findall(r"\$\{data\.(\w+)\}", file.read_text())}
    assert keys == set(SHAPE)


@pytest.fixture
def without_values(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Networks have shapes alone, so that power iterations for first values would be for nothing."""
    monkeypatch.setattr(spectral, "FIRST_ITERATIONS", 0)
    with torch.device("meta"):
        yield


@pytest.mark.slow
@pytest.mark.parametrize("model", choices("model"))
@pytest.mark.usefixtures("without_values")
def test_every_preset_builds_for_every_data_set(model: str) -> None:
    """Once for each shape that there is among the data sets; networks without values, which the steps below have."""
    by_shape = {tuple(section[key] for key in SHAPE): section for section in data_sets().values()}
    config = compose(f"model={model}", *NEEDED.get(model, []))
    if "solver" in config.model:
        config.model.solver.steps = 1  # each has the same shapes
    for section in by_shape.values():
        config.data = section
        points = section.image_size == 1 and model not in DRAW_POINTS
        with pytest.raises(ConfigError, match=r"image_size=1\b|\(2, 1, 1\)") if points else nullcontext():
            build_model(config)


@pytest.mark.slow  # the published widths
@pytest.mark.parametrize("experiment", choices("experiment"))
@pytest.mark.usefixtures("without_values")
def test_every_experiment_builds(experiment: str) -> None:
    config = compose(f"experiment={experiment}", *NEEDED.get(experiment.rpartition("_")[2], []))
    published = build_model(config).published_images
    if published is not None and experiment.startswith("cifar10_"):  # what a short run of the preset is compared with
        assert published == config.trainer.max_steps * config.data.batch_size


RECIPES = [f"experiment/study={recipe}" for recipe in choices("experiment/study")]


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [f"study={study}" for study in choices("study")] + RECIPES)
def test_every_study_plans_its_cells(chosen: str) -> None:
    """Every cell of every study composes, on data that are at hand: no override names a setting that is not there.

    Two replicates, which differ in their seeds alone; six or more take as many times as long.
    """
    config = study_config("study", [chosen, "data=digits", "study.replicates=2"])
    subject = build(config.study, section="study")
    context = StudyContext.read(config)
    with composing(context, CONF) as composer:
        planned = plan(subject.cells(context), composer, Path("/study/cells"), "code")
    assert len({each.key for each in planned}) == len(planned) >= 2 * subject.replicates == 4


@pytest.mark.slow
@pytest.mark.parametrize("executor", choices("executor"))
def test_every_executor_runs_a_call(executor: str) -> None:
    if executor in ("submitit", "ray"):
        pytest.importorskip(executor)  # in an extra of the package
    with build(study_config("study", [f"executor={executor}"]).executor, section="executor") as built:
        assert built.submit(abs, -2).result() == 2
        assert built.workers >= 1


@pytest.mark.slow
@pytest.mark.parametrize("row", FEW, ids=row_name)
def test_every_leaf_trains_one_iteration(row: Row, tmp_path: Path, cache_dir: Path) -> None:
    """Several leaves at a time: tests/model/test_zoo.py steps every pair of them without the stage."""
    chosen = overrides(row | {"image_size": "8", "channels": "1"})
    one_iteration(tmp_path, cache_dir, *(item for item in chosen if item != "data.num_classes=3"))


def test_the_rows_hold_every_leaf() -> None:
    for group in GROUPS:
        assert {row[group] for row in FEW} == set(choices(f"model/{group}")), group


@pytest.mark.slow
@pytest.mark.parametrize("backbone", choices("model/backbone"))
def test_every_backbone_trains_one_iteration(backbone: str, tmp_path: Path, cache_dir: Path) -> None:
    if backbone == "timm" and importlib.util.find_spec("timm") is None:  # optional
        with pytest.raises(ConfigError, match=r"needs the package timm.*: pip install timm\.$"):
            build_model(compose("model=classifier", "model/backbone=timm"))
        return
    one_iteration(tmp_path, cache_dir, "model=classifier", f"model/backbone={backbone}")


# What a mix needs beside it: it mixes other runs' images or labels, which tests/stage/test_mix.py makes.
NEEDS = {"images": ["data.mix.images=[run]"], "pseudo": ["data.mix.labeller=run"]}


@pytest.mark.slow
@pytest.mark.parametrize("mix", choices("data/mix"))
def test_every_mix_trains_one_iteration(mix: str, tmp_path: Path, cache_dir: Path) -> None:
    keys = ["model=classifier", "data.labels_per_class=10", f"data/mix={mix}", *NEEDS.get(mix, [])]
    if mix in NEEDS:
        assert build(compose(*keys, f"paths.cache_dir={cache_dir}").data, section="data").mix.rows(64) == 32
    else:
        one_iteration(tmp_path, cache_dir, *keys)


@pytest.mark.slow
@pytest.mark.parametrize("augmentation", choices("model/transform"))
def test_every_augmentation_trains_one_iteration(augmentation: str, tmp_path: Path, cache_dir: Path) -> None:
    one_iteration(tmp_path, cache_dir, "model=classifier", f"model/transform=[{augmentation}]")


@pytest.mark.slow
@pytest.mark.parametrize("robust", choices("model/robust"))
def test_every_way_to_learn_trains_one_iteration(robust: str, tmp_path: Path, cache_dir: Path) -> None:
    one_iteration(tmp_path, cache_dir, "model=classifier", f"model/robust={robust}")


FAST = ("classifier", "dcgan", "gan", "restorer", "robgan", "rpgan", "ssgan", "stylegan2_ada")


@pytest.mark.parametrize("model", slow_but(choices("model"), *FAST))
def test_every_preset_trains_one_iteration(model: str, tmp_path: Path, cache_dir: Path, victim_run: Path) -> None:
    one_iteration(tmp_path, cache_dir, f"model={model}", *([f"model.target={victim_run}"] if model in NEEDED else []))


@pytest.mark.slow
@pytest.mark.parametrize("perturber", choices("model/perturber"))
def test_every_perturber_trains_one_iteration(
    perturber: str, tmp_path: Path, cache_dir: Path, victim_run: Path
) -> None:
    keys = ["model=advgan", f"model/perturber={perturber}", f"model.target={victim_run}"]
    one_iteration(tmp_path, cache_dir, *keys)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", choices("optimizer"))
def test_every_optimizer_trains_one_iteration(optimizer: str, tmp_path: Path, cache_dir: Path) -> None:
    chosen = [f"optimizer@model.{player}_optimizer={optimizer}" for player in ("generator", "discriminator")]
    without = optimizer in ("rmsprop", "sgd")
    keys = ["~model.generator_optimizer.betas", "~model.discriminator_optimizer.betas"] if without else []
    one_iteration(tmp_path, cache_dir, *chosen, *keys)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
@pytest.mark.parametrize(("conditioning", "head"), CONDITIONING)
def test_every_precision_trains_one_iteration(
    precision: str, conditioning: str, head: str, tmp_path: Path, cache_dir: Path
) -> None:
    one_iteration(
        tmp_path,
        cache_dir,
        f"trainer.precision={precision}",
        f"model/conditioning={conditioning}",
        f"model/head={head}",
    )


@pytest.fixture(autouse=True)
def _no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the report takes ten times as long as the iteration, and has its own tests."""
    monkeypatch.setattr(Training, "_report", lambda training: training.run.report)


def tiny(overrides: tuple[str, ...]) -> list[str]:
    """Small networks: the widths that the model has."""
    if {"model=classifier", "model=degraded_classifier"} & set(overrides):
        return ["data.image_size=8"]
    if "model=advgan" in overrides:
        return ["data.image_size=8", "model.perturber.width=4", "model.discriminator.width=4"]
    if {"model=restorer", "model=srgan"} & set(overrides):
        discriminator = ["model.discriminator.width=4"] if "model=srgan" in overrides else []
        return ["data.image_size=8", "model.enhancer.width=4", *discriminator]
    if "model=flow" in overrides:
        return ["data.image_size=8", "model.velocity.width=8"]
    if "model=ssgan" in overrides:
        return ["data.image_size=8", "data.labels_per_class=1", "model.generator.width=4"]
    return TINY


def one_iteration(folder: Path, cache_dir: Path, *overrides: str) -> None:
    run = folder / "run"
    config = compose("debug=fast", *tiny(overrides), f"paths.cache_dir={cache_dir}", *overrides, run_dir=run)
    result = train(config, run)
    assert result["clock"] == {"iteration": 1, "images_seen": 4 * config.model.get("d_steps", 1)}
