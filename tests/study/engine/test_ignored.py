"""What a user types for a study and the study replaces by another value is refused, with what to type instead."""

from pathlib import Path

import pytest

from sparring.config.build import build
from sparring.config.compose import CONFIG_DIR, compose
from sparring.core.errors import ConfigError
from sparring.study.engine.compose import composing
from sparring.study.engine.context import StudyContext
from sparring.study.engine.ignored import check_overrides, check_typed
from sparring.study.engine.plan import Planned, plan


@pytest.mark.parametrize(
    ("train", "own", "words"),
    [
        (
            ["data.split_seed=1"],
            ["data.split_seed=7"],
            "data.split_seed=1 would be ignored.*split_seed=<number> of the study",
        ),
        (
            ["seed=3"],
            ["seed=5"],
            "seed=3 would be ignored, since the study sets seed=5 after it: seed=<number> of the study",
        ),
        (["+data.x=1"], ["data.x=2"], "leave it out"),
        (["data=mnist"], ["data=digits"], "give data=<data set> to the study itself"),
        (["data.flip=false"], ["data.flip=true"], "data.flip=false would be ignored"),
        ([], ["model=rpgan", "trainer.max_steps=5", "trainer.max_steps=9"], "study has settings for the steps"),
        ([], ["data.flip=false", "data.crop=0", "data.crop=2"], None),  # a recipe that says more than the default
        (["trainer=cpu"], ["trainer.max_steps=5", "seed=1", "seed=1"], None),
    ],
)
def test_an_override_that_the_study_replaces(train: list[str], own: list[str], words: str | None) -> None:
    if words is None:
        check_overrides(train, own)
        return
    with pytest.raises(ConfigError, match=words):
        check_overrides(train, own)


def test_a_setting_of_the_data_that_no_cell_takes() -> None:
    cells = [{"crop": 0, "mix": {"fraction": 0.5}, "batch_size": 30}, {"crop": 2, "batch_size": 30}]
    check_typed({"crop": 2, "mix.fraction": 0.5, "batch_size": 64}, cells)
    check_typed({"crop": 5}, [])
    with pytest.raises(ConfigError, match=r"data\.crop=5 would be ignored, since the study sets data\.crop=0"):
        check_typed({"crop": 5}, cells)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (['train=["seed=3"]'], "cell .*: seed=3 would be ignored"),
        (['train=["data.split_seed=1"]'], r"split_seed=<number> of the study"),
        (['study.gan=["model=rpgan","data.split_seed=1"]'], r"split_seed=<number> of the study"),
        (['study.gan=["model=rpgan","data.batch_size=16"]'], "give data.batch_size=<number> to the study itself"),
        (['train=["trainer.max_steps=3"]'], "the study has settings for the steps"),
        (["data.crop=3"], r"data\.crop=3 would be ignored"),
        (
            ['train=["model/loss=[hinge,rpgan]"]'],
            r"model/loss=\[hinge,rpgan\]: there is one place for them; choose one",
        ),
        (["data.subset_seed=3"], r"data\.subset_seed=3: the replicates .* say seed=3"),
        (["data.seed=3"], r"data\.seed=3: the replicates .* say seed=3"),
        (["data.cache_dir=/x"], r"say paths\.cache_dir=/x"),
        (["data.split_seed=3"], r"say split_seed=3 for one split"),
        (["data.batch_size=16", 'train=["trainer=cpu"]', 'study.gan=["model=rpgan","data.crop=1"]'], None),
    ],
)
def test_a_planned_study(typed: list[str], words: str | None, cache_dir: Path) -> None:
    chosen = ["study=cas", "data.image_size=8", "study.labels_per_class=20", "study.replicates=2"]
    config = compose("study", [*chosen, f"paths.cache_dir={cache_dir}", *typed])

    def planned() -> list[Planned]:
        context = StudyContext.read(config)
        with composing(context, CONFIG_DIR) as composer:
            return plan(build(config.study, section="study").cells(context), composer, Path("/study"), "code")

    if words is None:
        assert planned()
        return
    with pytest.raises(ConfigError, match=words):
        planned()
