"""Mixing in what other runs made: labels, filters, refusals, and the leak that must fail."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from sparring.config.build import build
from sparring.core.errors import CheckpointError, DataError
from sparring.core.picture import read_png
from sparring.data.mix.base import Context, Scorer
from sparring.data.serving import provenance
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs
from sparring.trained.scorer import RunScorers
from tests.conftest import command
from tests.stage.mixes import CLASSIFIER, FEW, GAN, folder_data, images, mixed, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 digits as a folder data set: val and test are cut from train by data.split_seed."""
    root = tmp_path_factory.mktemp("digits")
    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images[:300], digits.target[:300], strict=True)):
        (root / str(label)).mkdir(exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(root / str(label) / f"{number:03d}.png")
    return root


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> dict[str, Path]:
    """On ten digits per class: a conditional and an unconditional GAN with image sets, and a classifier."""
    root = tmp_path_factory.mktemp("runs")
    run(root / "gan", cache_dir, *GAN, FEW)
    run(root / "free", cache_dir, *GAN, FEW, "model/conditioning=none", "model/head=none")
    run(root / "labeller", cache_dir, *CLASSIFIER, FEW, "trainer.max_steps=60")
    for name in ("gan", "free"):
        images(root / name, root / f"{name}_images", 60)
    return {path.name: path for path in root.iterdir()}


def test_images_of_a_generator_are_mixed_in_and_recorded(
    tmp_path: Path, cache_dir: Path, runs: dict[str, Path]
) -> None:
    two = images(runs["gan"], tmp_path / "more", 30)
    pool = mixed(tmp_path, cache_dir, FEW, "data/mix=images", f"data.mix.images=[{runs['gan_images']},{two}]")
    assert (pool["count"], pool["per_class"], pool["per_batch"]) == (90, [9] * 10, 10)
    assert [each["count"] for each in pool["sets"]] == [60, 30]
    assert pool["upstream_runs"] == [str(runs["gan"])]
    assert (pool["extra_labels"], pool["pseudo_labelled"]) == (0, 0)
    manifest = json.loads((runs["gan_images"] / "manifest.json").read_text())
    assert pool["sets"][0]["images_sha256"] == manifest["images_sha256"]
    path = RunDir.open(tmp_path / "mixed")
    assert read_png(path.images / "mixed.png").shape[0] > 10 * 48  # a row per class
    fingerprints = path.result()["data"]["fingerprints"]
    assert fingerprints["mix"] == pool["sha256"]
    # What a classifier saw is what its generator saw too.
    assert {record.by for record in provenance.load(path.path, fingerprints=fingerprints)} == {
        str(runs["gan"]),
        str(path.path),
    }


@pytest.mark.slow
@pytest.mark.parametrize("robust", ["pgd_at", "trades"])
def test_adversarial_training_on_three_real_images_to_seven_generated(
    robust: str, tmp_path: Path, cache_dir: Path, runs: dict[str, Path]
) -> None:
    """The batch of Gowal et al. 2021, with their label smoothing and averaged weights."""
    mix = [FEW, "data/mix=images", f"data.mix.images=[{runs['gan_images']}]", "data.mix.fraction=0.7"]
    chosen = [f"model/robust={robust}", "model.robust.val_images=20", "trainer.val_check_interval=1", *mix]
    assert mixed(tmp_path, cache_dir, *chosen)["per_batch"] == 14
    run = RunDir.open(tmp_path / "mixed")
    assert run.result()["metrics"]["val/robust_accuracy/pgd@8/255"]["protocol"]["images"] == 20
    assert run.best_weights.exists()


@pytest.mark.slow
def test_image_sets_speak_for_themselves(tmp_path: Path, cache_dir: Path, runs: dict[str, Path]) -> None:
    """Without the generator's run, and named by the parquet file."""
    source = tmp_path / "gan"
    run(source, cache_dir, *GAN, FEW)
    made = images(source, tmp_path / "images", 30)
    for file in source.glob("*.npz"):
        file.unlink()
    assert (
        mixed(tmp_path, cache_dir, FEW, "data/mix=images", f"data.mix.images=[{made}/samples.parquet]")["count"] == 30
    )


@pytest.mark.slow
def test_generator_that_saw_a_test_image_fails_the_run(tmp_path: Path, cache_dir: Path, folder: Path) -> None:
    data = folder_data(folder)
    gan = [*GAN, *data]
    run(tmp_path / "same", cache_dir, *gan)
    run(tmp_path / "other", cache_dir, *gan, "data.split_seed=1")
    for name in ("same", "other"):
        images(tmp_path / name, tmp_path / f"{name}_images", 20)
    mix = ["data/mix=images", f"data.mix.images=[{tmp_path}/same_images]"]
    assert mixed(tmp_path, cache_dir, *data, *mix)["count"] == 20
    leak = ["data/mix=images", f"data.mix.images=[{tmp_path}/other_images]"]
    done = command(*CLASSIFIER, *data, *leak, f"paths.log_dir={tmp_path}/logs", f"paths.cache_dir={cache_dir}", check=3)
    assert "other was trained on" in done.stderr
    assert "test images of this run" in done.stderr or "val images of this run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_another_copy_of_the_data_is_compared_image_by_image(tmp_path: Path, cache_dir: Path, folder: Path) -> None:
    copy = tmp_path / "copy"
    for file in folder.rglob("*.png"):
        if file.parent.name != "9":
            (copy / file.parent.name).mkdir(parents=True, exist_ok=True)
            (copy / file.parent.name / file.name).write_bytes(file.read_bytes())
    classes = ["data.classes=[0,1,2,3,4,5,6,7,8]", "data.num_classes=9", "data.batch_size=20"]
    data = [*folder_data(copy)[:-1], "data.num_classes=9"]
    run(tmp_path / "gan", cache_dir, *GAN, *data, "data.split_seed=1")
    made = images(tmp_path / "gan", tmp_path / "images", 20)
    with pytest.raises(DataError, match="was trained on"):
        mixed(tmp_path, cache_dir, *folder_data(folder)[:-1], *classes, "data/mix=images", f"data.mix.images=[{made}]")


@pytest.mark.slow
def test_labels_that_the_run_has_not_are_refused(tmp_path: Path, cache_dir: Path, runs: dict[str, Path]) -> None:
    mix = ["data.labels_per_class=5", "data/mix=images", f"data.mix.images=[{runs['gan_images']}]"]
    with pytest.raises(DataError, match=r"used the labels of 50 training images that this run does not have"):
        mixed(tmp_path / "a", cache_dir, *mix)
    assert mixed(tmp_path / "b", cache_dir, *mix, "data.mix.extra_labels=true")["extra_labels"] == 50
    # An unconditional generator used none.
    free = f"data.mix.images=[{runs['free_images']}]"
    with pytest.raises(DataError, match=r"labels of 50 training images"):  # but the labeller did
        mixed(
            tmp_path / "c", cache_dir, *mix[:2], free, f"data.mix.labeller={runs['labeller']}",
        )  # fmt: skip


def test_unlabelled_images_need_a_labeller(tmp_path: Path, cache_dir: Path, runs: dict[str, Path]) -> None:
    mix = [FEW, "data/mix=images", f"data.mix.images=[{runs['free_images']}]"]
    with pytest.raises(DataError, match=r"60 of the 60 images .* have no label .*data\.mix\.labeller="):
        mixed(tmp_path / "a", cache_dir, *mix)
    pool = mixed(tmp_path / "b", cache_dir, *mix, f"data.mix.labeller={runs['labeller']}")
    assert (pool["pseudo_labelled"], sum(pool["per_class"])) == (60, 60)
    assert pool["upstream_runs"] == [str(runs["free"]), str(runs["labeller"])]
    with pytest.raises(
        CheckpointError, match=r"is a run of train and no image set; draw images with `sparring generate run="
    ):
        mixed(tmp_path / "c", cache_dir, FEW, "data/mix=images", f"data.mix.images=[{runs['free']}]")


@pytest.mark.slow
def test_pseudo_labels_are_the_labellers(tmp_path: Path, cache_dir: Path, runs: dict[str, Path]) -> None:
    keys = [FEW, "data/mix=pseudo", f"data.mix.labeller={runs['labeller']}"]
    pool = mixed(tmp_path / "a", cache_dir, *keys)
    data = build(RunDir.open(tmp_path / "a" / "mixed").config["data"], section="data")
    data.setup()
    data.prepare_mix(RunScorers(Runs(tmp_path)))
    image, label = data.pool.images.take(torch.arange(len(data.pool.images)))
    scored = scorer_of(runs["labeller"], data).score(image, label)
    assert torch.equal(scored.argmax(1), label)
    assert pool["count"] == len(data.splits.unused) == len(label)
    true = data.splits.unused.label
    assert pool["correct_fraction"] == float((label == true).double().mean())
    sure = mixed(
        tmp_path / "b", cache_dir, *keys, f"data.mix.filter.classifier={runs['labeller']}", "data.mix.filter.confidence=0.5"
    )  # fmt: skip
    assert sure["count"] == int((scored.softmax(1).max(1).values >= 0.5).sum()) == sure["filter"]["after_confidence"]


def scorer_of(path: Path, data: Any) -> Scorer:
    runs = RunScorers(Runs(path.parent))
    return runs.classifier(
        str(path),
        Context(
            data.splits.images["train"],
            data.splits.unused,
            data.shape,
            data.class_names,
            1,
            runs,
            data.splits.whole_train,
            (),
        ),
        "key",
    )


@pytest.mark.slow
def test_filters_keep_what_they_say(tmp_path: Path, cache_dir: Path, runs: dict[str, Path]) -> None:
    mix = [FEW, "data/mix=images", f"data.mix.images=[{runs['gan_images']}]"]
    by_classifier, by_critic = (f"data.mix.filter.{kind}={runs[name]}" for kind, name in
                                (("classifier", "labeller"), ("discriminator", "gan")))  # fmt: skip
    pool = mixed(tmp_path / "a", cache_dir, *mix, by_classifier, "data.mix.filter.top=0.5")
    assert pool["per_class"] == [3] * 10
    assert pool["filter"]["kept_fraction"] == 0.5
    pool = mixed(tmp_path / "b", cache_dir, *mix, by_critic, "data.mix.filter.top=0.34")
    assert pool["per_class"] == [2] * 10
    pool = mixed(tmp_path / "c", cache_dir, *mix, by_critic, "data.mix.filter.rejection=50")
    assert pool["count"] == pool["filter"]["after_rejection"] < 60
    pool = mixed(tmp_path / "d", cache_dir, *mix, by_classifier, "data.mix.filter.agree=true")
    assert pool["count"] == pool["filter"]["after_agree"] < 60
    with pytest.raises(DataError, match="keeps none of 60 images"):
        mixed(tmp_path / "e", cache_dir, *mix, by_classifier, "data.mix.filter.confidence=1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "recorded"),
    [
        (["sampling=langevin", "sampling.steps=2"], ("langevin.Langevin", None)),
        (["sampling=rejection", "sampling.burn_in=16", "sampling.attempts=2"], ("rejection.Rejection", None)),
        (["truncation=0.5"], ("plain.PlainSampling", 0.5)),
    ],
)
def test_a_classifier_records_how_its_images_were_drawn(
    tmp_path: Path, cache_dir: Path, runs: dict[str, Path], how: list[str], recorded: tuple[str, float | None]
) -> None:
    drawn = images(runs["gan"], tmp_path / "images", 30, *how)
    pool = mixed(tmp_path / "a", cache_dir, FEW, "data/mix=images", f"data.mix.images=[{drawn}]")
    (one,) = pool["sets"]
    assert one["settings"]["sampling"]["_target_"] == f"sparring.sampling.{recorded[0]}"
    assert one["settings"]["truncation"] == recorded[1]
    assert (pool["count"], pool["upstream_runs"]) == (30, [str(runs["gan"])])


def test_other_sizes_and_classes_are_refused(tmp_path: Path, cache_dir: Path, runs: dict[str, Path]) -> None:
    made = f"data.mix.images=[{runs['gan_images']}]"
    with pytest.raises(DataError, match="8x8 pixels, this run's data have 1 and 16x16"):
        mixed(tmp_path / "a", cache_dir, "data.image_size=16", FEW, "data/mix=images", made)
    with pytest.raises(
        DataError,
        match=r"classes 0, 2, 3.*which are none of 7, 1: say which is which with data.mix.class_names=",
    ):
        mixed(tmp_path / "b", cache_dir, "data.classes=[7,1]", "data.batch_size=10", FEW, "data/mix=images", made)
    keys = ["data.image_size=16", FEW, "data/mix=pseudo", f"data.mix.labeller={runs['labeller']}"]
    with pytest.raises(DataError, match=r"labeller=.* sees images of 1 x 8 x 8 and this run has 1 x 16 x 16"):
        mixed(tmp_path / "c", cache_dir, *keys)
