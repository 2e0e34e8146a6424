"""enhance: arms that share all but what their classifier is shown, numbers read correctly, and a tiny run of every arm."""

from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.config.compose import compose as compose_verb
from sparring.core.errors import ConfigError
from sparring.metric.classification import packed
from sparring.run.directory import RunDir
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from sparring.study.enhance import VERSIONS
from tests.study.fabricated import planned_by, results, settings, trained

ACCURACY = {
    "original": 0.95,
    "small": 0.7,
    "bicubic": 0.7,
    "compute": 0.7,
    "restorer": 0.71,
    "srgan": 0.72,
    "task_srgan": 0.8,
}


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    """The task-driven SRGAN helps by 10 points; a fixed classifier ranks the versions as PSNR does, a retrained one backwards."""
    r = int(cell.tags["replicate"])
    if cell.tags.get("part") == "enhancer":
        return trained(0.0) | {"cost": {"seconds": 1.0, "cpu_seconds": 2.0}}
    if cell.verb == "train":
        return trained(ACCURACY[str(cell.tags["arm"])] + 0.01 * r)
    rows = []
    for place, name in enumerate(("bicubic", "enhanced", "srgan", "task_srgan")):
        right = torch.arange(100) < 40 + place + r
        row = {"psnr": 20.0 + place, "ssim": 0.5, "fd_pixels_8x8": 1.0 - 0.1 * place}
        rows.append({"version": name, **row, "accuracy": float(right.double().mean()), "right": packed(right)})
    return {"comparison": rows, "metrics": {}, "cost": {"seconds": 1.0}}


def test_arms_share_all_but_what_the_classifier_is_shown(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=enhance")
    by_name = {each.name: settings(each) for each in cells}
    bicubic = by_name["r2/bicubic"]
    for name in ("small", "restorer", "srgan", "task_srgan"):
        own = {key: value for key, value in by_name[f"r2/{name}"].items() if bicubic.get(key) != value}
        assert own == (
            {"model.enlarge": "false"} if name == "small" else {"model.restored_by": f"cell:r2/enhancers/{name}"}
        )
    assert (
        int(by_name["r2/compute"]["trainer.max_steps"]) == 300 + 600 + 300
    )  # itself, the enhancer, the classifier that it learns from
    enhancers = {name: by_name[f"r2/enhancers/{name}"] for name in ("restorer", "srgan", "task_srgan")}
    assert {each["trainer.max_steps"] for each in enhancers.values()} == {"300"}
    assert enhancers["task_srgan"]["model.classifier"] == "cell:r2/original"
    assert "model.classifier" not in enhancers["srgan"]
    assert by_name["r2/versions"]["seed"] == bicubic["seed"]


@pytest.mark.slow
def test_table_and_answer(cache_dir: Path, tmp_path: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=enhance")
    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    primary = analysis.comparisons[0]
    assert (primary.arm, primary.baseline, str(analysis.verdict)) == ("task_srgan", "bicubic", "HELPS")
    assert primary.delta == pytest.approx(10)
    by_pair = {(each.arm, each.baseline): each for each in analysis.comparisons}
    assert by_pair["bicubic_fixed", "bicubic"].delta == pytest.approx(-30)
    assert by_pair["srgan_fixed", "bicubic"].values[3] == pytest.approx(45)
    assert by_pair["task_srgan", "compute"].delta == pytest.approx(10)
    assert str(by_pair["original", "bicubic"].must) == "HELPS"
    assert by_pair["srgan_fixed", "bicubic"].shared_variance > 0  # of the test images that the two have in common
    quality = next(table for table in analysis.tables if table.title.startswith("Nearness")).rows
    assert [row[0] for row in quality] == list(VERSIONS)
    assert quality[1][1].startswith("21.000")
    assert quality[1][4].startswith("43.5")
    ranks = next(table for table in analysis.tables if table.title.startswith("Do images")).rows
    assert [float(row[2]) for row in ranks if row[0].startswith("PSNR")] == pytest.approx([1.0, 1.0])
    assert "One iteration of the GAN took the time of 2.00 steps" in analysis.conclusion


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study.arms=[small,bicubic,task_srgan]", "needs original where it has task_srgan"),
        ("study.arms=[original,bicubic,bicubic_fixed]", "needs one of restorer, srgan, task_srgan"),
        ("study.enhancer_steps=0", "enhancer_steps=0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(override: str, message: str, cache_dir: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        planned_by(
            cache_dir, "study=enhance", override, "study.primary=" + ("small" if "[small" in override else "original")
        )


@pytest.mark.slow
def test_a_tiny_study_reads_its_cells(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "study"
    given = ["study=enhance", "study.replicates=2", "study.steps=4", "study.enhancer_steps=2", "study.labels_per_class=10",
             "study.arms=[original,small,bicubic,restorer,task_srgan,bicubic_fixed,restorer_fixed]",
             "study.gan=['model.discriminator.width=4']", "data.image_size=8", "executor=inline",
             f"paths.cache_dir={cache_dir}"]  # fmt: skip
    analysis = study(compose_verb("study", given), folder)["analysis"]
    by_arm = {each["arm"]: each["values"] for each in analysis["comparisons"]}
    read = {
        name: [RunDir.open(folder / f"cells/r{r}/{name}").result() for r in (0, 1)] for name in ("restorer", "versions")
    }
    assert by_arm["restorer"] == pytest.approx(
        [100 * each["metrics"]["test/accuracy"]["value"] for each in read["restorer"]]
    )
    shown = [each["metrics"]["test/accuracy/enhanced"]["value"] for each in read["versions"]]
    assert by_arm["restorer_fixed"] == pytest.approx([100 * each for each in shown])
    assert read["restorer"][0]["metrics"]["test/accuracy"]["protocol"]["images_shown"]["degradation"]["noise"] == 0.2
    assert (folder / analysis["pictures"][0]["path"]).exists()
