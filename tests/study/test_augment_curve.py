"""The study of GAN images on top of classic augmentation: equal terms, leaks that fail, and numbers that are read correctly."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from sparring.config.build import build
from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.stage.study import StudyError, study
from sparring.study.augment_curve import AugmentCurve
from sparring.study.engine.cell import Cell
from sparring.study.engine.context import StudyContext
from tests.study.fabricated import no_pictures, planned_by, results, trained

__all__ = ["no_pictures"]

TINY = [
    "study=augment_curve", "study.replicates=2", "study.labels_per_class=[5]", "study.steps=6",
    "study.gan_steps=2", "executor=inline", "data.image_size=8", "study.pool=2", "~study.gan_choices.shifts",
]  # fmt: skip
OTHER_GENERATORS = {"flow", "outside", "counterfactual", "enhanced"}  # arms that are not among the default ones
SAME = ("seed", "data.subset_seed", "data.labels_per_class", "data.batch_size", "trainer.max_steps")


def cells(cache_dir: Path, *overrides: str) -> list[Cell]:
    config = compose("study", ["study=augment_curve", f"paths.cache_dir={cache_dir}", *overrides])
    return build(config.study, section="study").cells(StudyContext.read(config))


def settings(cell: Cell) -> dict[str, str]:
    """Its overrides; the last one of a key wins."""
    return dict(item.split("=", 1) for item in cell.overrides)


def test_arms_of_a_replicate_differ_in_their_images_only(cache_dir: Path) -> None:
    planned = cells(cache_dir)
    assert {cell.tags["arm"] for cell in planned if "arm" in cell.tags} == set(AugmentCurve.ARMS) - OTHER_GENERATORS
    for labels in (5, 20):
        for r in range(6):
            here = {
                cell.tags["arm"]: settings(cell)
                for cell in planned
                if "arm" in cell.tags and (cell.tags["labels"], cell.tags["replicate"]) == (labels, r)
            }
            longer = here.pop("compute")
            assert len({tuple(each[key] for key in SAME) for each in here.values()}) == 1
            assert int(longer["trainer.max_steps"]) > int(here["aug"]["trainer.max_steps"])
            assert here["aug"]["data.batch_size"] == str(min(64, 10 * labels))
            assert here["real"]["data.crop"] == here["gan"]["data.crop"] == "0"
            assert all(each["data.crop"] == "2" for arm, each in here.items() if arm not in ("real", "gan"))
    seeds = {(s["seed"], s["data.subset_seed"]) for s in (settings(c) for c in planned if c.tags.get("arm") == "aug")}
    assert len(seeds) == 6  # every replicate draws its own, the same at every label count


def test_the_generator_sees_the_labelled_images_only_and_draws_a_pool_of_ten_times_as_many(cache_dir: Path) -> None:
    planned = {cell.name: cell for cell in cells(cache_dir)}
    gan, arm = settings(planned["labels20/r3/by_plain/generator"]), settings(planned["labels20/r3/gan_aug_plain"])
    assert all(gan[key] == arm[key] for key in ("data.labels_per_class", "data.subset_seed"))
    assert gan["seed"] != arm["seed"]
    pool = settings(planned["labels20/r3/by_plain/pool"])
    assert (pool["run"], pool["count"]) == ("cell:labels20/r3/by_plain/generator", "2000")
    assert arm["data.mix.images"] == "[cell:labels20/r3/by_plain/pool]"
    assert arm["data.mix.fraction"] == "0.5"


def test_counterfactual_and_enhanced_images_are_made_of_the_labelled_ones(cache_dir: Path) -> None:
    arms = "study.arms=[aug,gan_aug,counterfactual,enhanced]"
    planned = {cell.name: cell for cell in cells(cache_dir, arms)}
    made = settings(planned["labels20/r3/counterfactuals"])
    assert (made["run"], made["generator"]) == ("cell:labels20/r3/aug", "cell:labels20/r3/by_plain/generator")
    assert (made["split"], made["counterfactuals"], made["format"]) == ("train", "200", "[parquet]")
    enhancer, aug = (settings(planned[f"labels20/r3/{name}"]) for name in ("by_enhancer/enhancer", "aug"))
    assert all(enhancer[key] == aug[key] for key in ("data.labels_per_class", "data.subset_seed", "data.split_seed"))
    assert settings(planned["labels20/r3/by_enhancer/pool"])["split"] == "train"
    for arm, pool in (("counterfactual", "counterfactuals"), ("enhanced", "by_enhancer/pool")):
        assert settings(planned[f"labels20/r3/{arm}"])["data.mix.images"] == f"[cell:labels20/r3/{pool}]"
    alone = {cell.name for cell in cells(cache_dir, "study.arms=[aug,counterfactual]", "study.primary=counterfactual")}
    assert {name for name in alone if name.endswith("generator") and name.startswith("labels5/r0")} == {
        "labels5/r0/by_plain/generator"
    }
    with pytest.raises(ConfigError, match="needs aug where it has counterfactual"):
        cells(cache_dir, "study.arms=[real,gan_aug,counterfactual]", "study.baseline=real")


def test_a_flow_is_trained_on_the_same_labels_and_drawn_from_as_often(cache_dir: Path) -> None:
    planned = {cell.name: cell for cell in cells(cache_dir, "study.arms=[aug,gan_aug,flow]")}
    gan, flow = (settings(planned[f"labels20/r3/by_{name}/generator"]) for name in ("plain", "flow"))
    assert (flow["model"], flow["trainer.max_steps"]) == ("flow", "300")
    assert all(
        gan[key] == flow[key] for key in ("data.labels_per_class", "data.subset_seed", "data.batch_size", "seed")
    )
    pools = [settings(planned[f"labels20/r3/by_{name}/pool"]) for name in ("plain", "flow")]
    assert pools[0]["count"] == pools[1]["count"]
    assert settings(planned["labels20/r3/flow"])["data.mix.images"] == "[cell:labels20/r3/by_flow/pool]"


def test_published_images_are_taken_as_of_the_whole_train_split(cache_dir: Path) -> None:
    given = ["study.arms=[aug,gan_aug,outside]", "study.outside=[/data/edm.npz]"]
    arm = settings({cell.name: cell for cell in cells(cache_dir, *given)}["labels20/r3/outside"])
    assert arm["data.mix.images"] == "['/data/edm.npz']"
    assert (arm["data.mix.provenance"], arm["data.mix.extra_labels"]) == ("train_split", "true")


def test_no_generator_is_trained_that_no_arm_uses(cache_dir: Path) -> None:
    planned = cells(cache_dir, "study.arms=[aug,real]", "study.primary=real")
    assert all("arm" in cell.tags for cell in planned)


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.arms=[aug,gann]", "has no 'gann'"),
        ("study.arms=[aug,gan_aug,outside]", "and the arm outside in study.arms need each other"),
        ("study.outside=[x.npz]", "and the arm outside in study.arms need each other"),
        ("study.labels_per_class=[5,500]", r"labels_per_class=500 must be from 1 to 1\d\d: class \d of digits has"),
        (
            "study.primary_labels=7",
            r"primary_labels=7 must be one of study.labels_per_class=\[5, 20\]: set it to",
        ),
        ("study.labels_per_class=[5,5]", "at least one count, and none twice"),
        ("study.fraction=1.0", "must be between 0 and 1"),
        ("study.gan_choices=null", "study.gan_choices=null: AugmentCurve does not work without it"),
        (
            "study.gan_choices.shifts=crop",
            r"gan_choices.shifts=crop must be a list of overrides, such as \[model/augment",
        ),
        ("study.replicates=1", "must be auto or from 2"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_runs(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        cells(cache_dir, override)


def test_pseudo_labels_need_the_classifier_that_predicts_them(cache_dir: Path) -> None:
    with pytest.raises(ConfigError, match="needs aug where it has pseudo"):
        cells(cache_dir, "study.arms=[real,pseudo]", "study.baseline=real", "study.primary=pseudo")


def accuracy_of(folder: Path, replicate: int, arm: str) -> float:
    """On test, of the arm's run; of a generated arm, of the candidate that is the best on val, the first of equals."""
    names = [f"{arm}_plain", f"{arm}_diffaugment"] if arm in ("gan", "gan_aug") else [arm]
    runs = [RunDir.open(folder / f"cells/labels5/r{replicate}/{name}").result()["metrics"] for name in names]
    best = max(runs, key=lambda metrics: metrics["val/accuracy"]["value"])
    return float(best["test/accuracy"]["value"])


@pytest.mark.slow
def test_a_tiny_study_reads_its_cells_and_shows_every_arm(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "study"
    result = study(compose("study", [*TINY, "study.gan_step_cost=1.0", f"paths.cache_dir={cache_dir}"]), folder)
    analysis = result["analysis"]
    comparisons = {(each["arm"], each["baseline"]): each for each in analysis["comparisons"]}
    arms = set(AugmentCurve.ARMS) - OTHER_GENERATORS
    controls = {("gan_aug", control) for control in ("gaussian", "oversample", "compute")}
    assert set(comparisons) == {(arm, "aug") for arm in arms - {"aug"}} | {("gan", "real")} | controls
    assert (
        "Compared with the negative controls, gan_aug is not shown to beat gaussian or oversample or compute"
        in analysis["conclusion"]
    )
    accuracy = {(r, arm): 100 * accuracy_of(folder, r, arm) for r in range(2) for arm in arms}
    for (arm, baseline), each in comparisons.items():
        assert each["values"] == pytest.approx([accuracy[r, arm] for r in range(2)])
        assert each["baseline_values"] == pytest.approx([accuracy[r, baseline] for r in range(2)])
    assert [each["primary"] for each in analysis["comparisons"]] == [True] + [False] * (len(comparisons) - 1)
    primary = analysis["tables"][0]
    assert {row[1].removesuffix(" *") for row in primary["rows"]} == arms
    assert {tuple(check["arms"]): check["equal_training"] for check in result["checks"]}["aug", "gan_aug"] == {
        "iteration": 6, "images_seen": 6 * 50
    }  # fmt: skip
    assert RunDir.open(folder / "cells/labels5/r0/compute").result()["clock"]["iteration"] == 2 * (6 + 2)
    for picture in analysis["pictures"]:
        assert (folder / picture["path"]).exists(), picture
    assert {picture["title"] for picture in analysis["pictures"]} == arms - {"compute", "gan", "gan_aug"} | {
        "gan and gan_aug"
    }
    rates = {
        name: median(
            each["cost"]["cpu_seconds"] / each["clock"]["iteration"]
            for each in (RunDir(path.parent).result() for path in folder.glob(f"cells/labels5/r*/{name}/result.json"))
        )
        for name in ("by_*/generator", "aug")
    }
    assert analysis["numbers"]["gan_step_cost"]["measured"] == pytest.approx(rates["by_*/generator"] / rates["aug"])
    table = next(each for each in analysis["tables"] if each["title"] == "What the generated arms were chosen from")
    assert [tuple(row[1:3]) for row in table["rows"]] == [
        (arm, choice) for arm in ("gan", "gan_aug") for choice in ("plain", "diffaugment")
    ]
    assert [sum(int(row[-1]) for row in table["rows"] if row[1] == arm) for arm in ("gan", "gan_aug")] == [2, 2]
    page = (folder / "report.html").read_text()
    assert "<h2>Cost</h2>" in page
    assert "1 were assumed, so the arm compute had" in page
    assert "Zhang et al. 2018" in page


@pytest.mark.slow
def test_an_arm_whose_generator_saw_a_test_image_fails(tmp_path: Path, cache_dir: Path) -> None:
    """The images have no test split of their own, and the GAN cuts a smaller one."""
    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images[:300], digits.target[:300], strict=True)):
        (tmp_path / "data" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(tmp_path / "data" / str(label) / f"{number:03d}.png")
    data = [
        "data=folder",
        f"data.path={tmp_path}/data",
        "data.channels=1",
        "data.num_classes=10",
        "data.val_fraction=0",
    ]
    given = [*TINY, *data, "study.arms=[aug,gan_aug]", "study.gan=['model=rpgan','data.test_fraction=0.05']"]
    with pytest.raises(StudyError, match="4 cells failed"):
        study(compose("study", [*given, f"paths.cache_dir={cache_dir}"]), tmp_path / "study")
    outcomes: dict[str, Any] = json.loads((tmp_path / "study" / "result.json").read_text())["cells"]
    states = {name: cell["state"] for name, cell in outcomes.items()}
    failed = {f"labels5/r{r}/gan_aug_{choice}" for r in (0, 1) for choice in ("plain", "diffaugment")}
    assert {name for name, state in states.items() if state == "failed"} == failed
    assert "test images of this run" in outcomes["labels5/r0/gan_aug_plain"]["reason"]


@pytest.mark.slow
def test_a_gain_that_a_control_brings_too_is_said_to_be_none_of_the_gan(
    tmp_path: Path, cache_dir: Path, no_pictures: None
) -> None:
    subject, planned = planned_by(cache_dir, "study=augment_curve", "study.labels_per_class=[5,10]")

    def made_up(gaussian: float):
        gain = {"gan_aug": 0.15, "gaussian": gaussian, "more_real": 0.19}

        def one(cell: Cell, run: Path) -> dict[str, Any]:
            arm, replicate = str(cell.tags.get("arm", "")), int(cell.tags["replicate"])
            return trained(0.8 + gain.get(arm, 0.0) + 0.003 * (-1) ** replicate * (arm == "gan_aug"))

        return one

    alike = subject.analyse(results(subject, planned, tmp_path / "alike", made_up(0.15)))
    assert alike.verdict == "HELPS"
    assert "gan_aug is not shown to beat gaussian (difference from gaussian 0.00" in alike.conclusion
    ahead = subject.analyse(results(subject, planned, tmp_path / "ahead", made_up(0.0)))
    assert "gan_aug beats all of them" in ahead.conclusion
    assert {(it.arm, it.where) for it in ahead.comparisons if it.baseline == "compute"} == {
        ("gan_aug", "5 labels per class")
    }
