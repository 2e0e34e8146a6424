"""evaluate: a run and images of other programs, protocols, real-data references, and what it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.config.build import build
from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.report.protocol import columns, text_table
from sparring.stage.evaluate import evaluate
from sparring.stage.train import train
from tests.conftest import TINY, command, compose


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    config = compose(*TINY, f"paths.cache_dir={cache_dir}", "trainer.max_steps=5", "report=false", run_dir=folder)
    train(config, folder)
    return folder


def evaluated(folder: Path, cache_dir: Path, *overrides: str) -> dict[str, Any]:
    given = ["metric/features=pixels", f"paths.cache_dir={cache_dir}", "report=false", *overrides]
    return evaluate(compose(*given, config="evaluate", run_dir=folder), folder)


def real_digits(folder: Path, cache_dir: Path, split: str, count: int) -> Path:
    """Real images as another program would have left them: class folders of PNG files."""
    data = build(compose(*TINY, f"paths.cache_dir={cache_dir}").data, section="data")
    data.setup("fit")
    whole = data.whole(split)
    for i, (image, label) in enumerate(zip(whole.image[:count], whole.label[:count].tolist(), strict=True)):
        file = folder / str(label) / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].numpy()).save(file)
    return folder


def test_a_run_is_measured_against_train_and_test(tmp_path: Path, trained: Path, cache_dir: Path) -> None:
    result = evaluated(tmp_path / "e", cache_dir, f"run={trained}", "count=200", "repeats=2")
    records = result["records"]
    by_split = {(record["metric"], record["split"]): record for record in records}
    assert {split for _, split in by_split} == {"train", "test"}
    distance = by_split["fd", "train"]
    assert distance["name"] == "fd_pixels_200"
    assert distance["value"] > 5 * distance["real_data_reference"] > 0  # an untrained generator is far from digits
    assert distance["protocol"]["features"]["features"] == "pixels"
    assert distance["protocol"]["samples"]["weights"] == "ema"
    assert len(distance["values"]) == 2
    assert distance["std"] > 0
    assert by_split["is", "test"]["value"] is None
    assert "class probabilities" in by_split["is", "test"]["reason"]
    for record in records:
        assert {"metric", "split", "value", "std", "real_data_reference", "protocol", "better"} <= record.keys()
    assert {record["metric"]: record["better"] for record in records} == {
        "fd": "lower", "kid": "lower", "is": "higher", "precision": "higher", "recall": "higher", "density": "higher",
        "coverage": "higher", "ifd": "lower", "authentic": "near the reference", "ratio": "near the reference",
        "balance": "lower", "modes": "higher", "agreement": "higher",
        "diversity": "near the reference",
    }  # fmt: skip
    assert result["discriminator"]["images"] == [1299, 143, 200]
    assert (tmp_path / "e" / "images" / "neighbours.png").exists()


def test_protocols_are_never_mixed_in_a_column(tmp_path: Path, trained: Path, cache_dir: Path) -> None:
    one = evaluated(tmp_path / "a", cache_dir, f"run={trained}", "count=50", "repeats=2", "metric.names=[fd]")[
        "records"
    ]
    other = evaluated(tmp_path / "b", cache_dir, f"run={trained}", "count=60", "repeats=2", "metric.names=[fd]")[
        "records"
    ]
    assert len(columns(one)) == 2
    assert len(columns([*one, *other])) == 4
    third = [{**record, "protocol": {**record["protocol"], "neighbours": 3}} for record in one]
    assert one[0]["protocol"]["neighbours"] == 5
    assert len(columns([*one, *third])) == 4
    assert text_table(one).splitlines()[1].startswith("fd_pixels_50")


def test_real_images_of_another_program_reach_the_real_data_reference(tmp_path: Path, cache_dir: Path) -> None:
    images = real_digits(tmp_path / "images", cache_dir, "val", 140)
    result = evaluated(
        tmp_path / "e",
        cache_dir,
        f"images={images}",
        "data=digits",
        "data.image_size=8",
        "splits=[test]",
    )
    by_metric = {record["metric"]: record for record in result["records"]}
    assert by_metric["kid"]["value"] < 5e-3
    assert by_metric["ifd"]["value"] is not None  # class folders gave labels
    assert by_metric["coverage"]["value"] > 0.6
    assert by_metric["authentic"]["value"] > 20
    assert result["discriminator"] is None


def test_a_run_whose_images_changed_is_refused(tmp_path: Path, trained: Path, cache_dir: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(trained, copied)
    settings = copied / ".hydra" / "config.yaml"
    assert "split_seed: 0" in settings.read_text()
    settings.write_text(settings.read_text().replace("split_seed: 0", "split_seed: 1"))
    with pytest.raises(DataError, match=r"other images than its data holds now .*train, val"):
        evaluated(tmp_path / "e", cache_dir, f"run={copied}", "count=20", "repeats=1")


def test_a_discriminator_that_is_a_classifier_has_no_overfit_measure(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "run"
    given = ["data.image_size=8", "callback.samples.columns=2", f"paths.cache_dir={cache_dir}", "report=false"]
    tiny = ["model=ssgan", "data.labels_per_class=10", "model.generator.width=8", "trainer.max_steps=1"]
    train(compose(*given, *tiny, run_dir=folder), folder)
    result = evaluated(tmp_path / "e", cache_dir, f"run={folder}", "count=20", "repeats=2", "metric.names=[fd]")
    assert result["discriminator"] is None
    assert result["records"][0]["value"] > 0


def test_an_unforeseen_error_is_not_left_as_running(
    tmp_path: Path, trained: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("sparring.stage.evaluate.measure_all", broken)
    with pytest.raises(RuntimeError):
        evaluated(tmp_path / "e", cache_dir, f"run={trained}", "count=20", "repeats=1")
    status = json.loads((tmp_path / "e" / "status.json").read_text())
    assert (status["state"], status["reason"]) == ("failed", "RuntimeError: out of luck")


def test_copies_of_training_images_are_seen(tmp_path: Path, cache_dir: Path) -> None:
    images = real_digits(tmp_path / "images", cache_dir, "train", 140)
    result = evaluated(
        tmp_path / "e", cache_dir, f"images={images}", "data=digits", "data.image_size=8",
        "metric.names=[authentic,ratio]", "splits=[train]",
    )  # fmt: skip
    by_metric = {record["metric"]: record["value"] for record in result["records"]}
    assert by_metric == {"authentic": 0.0, "ratio": pytest.approx(0.0, abs=0.95)}


def test_refusals(tmp_path: Path, trained: Path, cache_dir: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for i in range(4):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(flat / f"{i}.png")
    digits = ("data=digits", "data.image_size=8")
    cases: list[tuple[tuple[str, ...], type[Exception], str]] = [
        ((), ConfigError, "either run="),
        ((f"run={trained}", f"images={flat}"), ConfigError, "either run="),
        ((f"images={flat}",), ConfigError, "needs reference="),
        ((f"images={tmp_path / 'nothing'}", *digits), DataError, "does not exist"),
        ((f"images={flat}", "reference=digits"), DataError, "8x8 pixels"),
        ((f"images={flat}", "reference=nowhere"), ConfigError, "neither a run nor a data set"),
        ((f"images={flat}", "reference=digit"), ConfigError, "did you mean digits"),
        ((f"images={flat}", f"reference={flat}"), CheckpointError, "not a run directory"),
        ((f"run={trained}", "splits=[train,tets]"), ConfigError, "tets"),
        ((f"run={trained}", "metric.names=[fdd]"), ConfigError, "fd"),
        ((f"run={trained}", "checkpoint=best"), CheckpointError, "kept no best"),
        ((f"run={trained}", "repeats=0"), ConfigError, "repeats=0"),
        ((f"run={trained}", "count=0"), ConfigError, "count=0"),
    ]
    for number, (overrides, kind, words) in enumerate(cases):
        with pytest.raises(kind, match=words):
            evaluated(tmp_path / f"e{number}", cache_dir, *overrides)
        assert json.loads((tmp_path / f"e{number}" / "status.json").read_text())["state"] == "failed"


def test_a_reference_of_the_users_own(tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf" / "data").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "small.yaml").write_text("defaults: [digits]\nimage_size: 8\n")
    images = f"images={real_digits(tmp_path / 'images', cache_dir, 'test', 20)}"
    with pytest.raises(ConfigError, match="reference=small is neither a run nor a data set"):
        evaluated(tmp_path / "without", cache_dir, images, "reference=small")
    place = [f"hydra.searchpath=[file://{tmp_path}/conf]"]
    monkeypatch.setattr("sparring.evaluation.subject.searchpath", lambda: place)
    result = evaluated(tmp_path / "with", cache_dir, images, "reference=small", "metric.names=[fd]", "splits=[test]")
    (record,) = result["records"]
    assert record["split"] == "test"


def test_identical_images_get_a_clear_result(tmp_path: Path, cache_dir: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for i in range(12):
        Image.fromarray(np.full((8, 8), 90, np.uint8)).save(flat / f"{i}.png")
    result = evaluated(
        tmp_path / "e",
        cache_dir,
        f"images={flat}",
        "data=digits",
        "data.image_size=8",
        "splits=[test]",
    )
    by_metric = {record["metric"]: record for record in result["records"]}
    assert by_metric["fd"]["value"] > 1
    assert by_metric["fd"]["more"]["singular"] is True
    assert by_metric["recall"]["value"] == 0
    assert "no labels" in by_metric["ifd"]["reason"]


@pytest.mark.slow
def test_the_command_line_with_the_reference_classifier(tmp_path: Path, trained: Path) -> None:
    folder = tmp_path / "logs"
    done = command(
        f"run={trained}",
        "count=300",
        f"paths.log_dir={folder}",
        f"paths.cache_dir={tmp_path / 'cache'}",
        verb="evaluate",
    )
    assert "fd_classifier_300" in done.stdout
    (run,) = folder.glob("evaluate/*")
    page = (run / "report.html").read_text()
    assert "Nearest training images" in page
    assert "predicted as asked" in page
    protocol = json.loads((run / "result.json").read_text())["records"][0]["protocol"]
    assert len(protocol["features"]["weights"]) == 64
