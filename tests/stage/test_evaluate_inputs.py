"""evaluate on inputs that break metrics: NaN, too few images, a class that is missing, odd folders, other programs' files."""

import io
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from sparring.core.errors import ConfigError, DataError, DivergedError
from sparring.data.reading.image_set import read_images
from sparring.metric.features.base import three_channels
from sparring.metric.features.inception import Inception
from sparring.report.protocol import reference_notes
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir
from sparring.stage.generate import generate
from sparring.stage.train import train
from tests.conftest import TINY, compose
from tests.stage.test_evaluate import evaluated, real_digits

DIGITS = ("data=digits", "data.image_size=8")


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


def test_a_generator_with_nan_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "run"
    train(compose(*TINY, f"paths.cache_dir={cache_dir}", "trainer.max_steps=1", "report=false", run_dir=folder), folder)
    run = RunDir.open(folder)
    tensors, metadata = run.load_weights(), weights_file.stored_metadata(run.weights)
    first = next(name for name in tensors if name.startswith("ema.") and tensors[name].is_floating_point())
    run.save_weights(tensors | {first: torch.full_like(tensors[first], torch.nan)}, metadata)
    with pytest.raises(DivergedError, match="NaN"):
        evaluated(tmp_path / "e", cache_dir, f"run={folder}", "count=20", "repeats=1")


def test_a_missing_class_says_so_and_the_rest_is_measured(tmp_path: Path, cache_dir: Path) -> None:
    images = real_digits(tmp_path / "images", cache_dir, "train", 200)
    for file in (images / "3").iterdir():
        file.unlink()
    (images / "3").rmdir()
    records = evaluated(tmp_path / "e", cache_dir, f"images={images}", *DIGITS, "splits=[test]")["records"]
    by_metric = {record["metric"]: record for record in records}
    assert by_metric["ifd"]["value"] is None
    assert "class 3" in by_metric["ifd"]["reason"]
    assert by_metric["fd"]["value"] is not None


def test_too_few_images(tmp_path: Path, cache_dir: Path) -> None:
    one = real_digits(tmp_path / "one", cache_dir, "train", 1)
    with pytest.raises(DataError, match="needs 2 or more"):
        evaluated(tmp_path / "e1", cache_dir, f"images={one}", *DIGITS)
    four = real_digits(tmp_path / "four", cache_dir, "train", 4)
    records = evaluated(tmp_path / "e4", cache_dir, f"images={four}", *DIGITS, "splits=[test]")["records"]
    by_metric = {record["metric"]: record for record in records}
    assert by_metric["precision"]["value"] is None
    assert "needs 6 or more" in by_metric["precision"]["reason"]
    assert by_metric["fd"]["value"] is not None
    assert by_metric["fd"]["std"] is None  # four images have no halves worth the name


def test_a_parquet_file_of_another_program(tmp_path: Path, cache_dir: Path) -> None:
    draws = np.random.default_rng(0)
    images = [draws.integers(0, 256, (8, 8), dtype=np.uint8) for _ in range(30)]
    rows = {"image": [{"bytes": png(image), "path": None} for image in images], "label": [i % 10 for i in range(30)]}
    file = tmp_path / "made.parquet"
    pyarrow.parquet.write_table(pyarrow.table(rows), file)
    result = evaluated(
        tmp_path / "e", cache_dir, f"images={file}", *DIGITS, "metric.names=[fd,coverage]", "splits=[val]"
    )
    by_metric = {record["metric"]: record["value"] for record in result["records"]}
    assert by_metric["coverage"] == 0
    assert by_metric["fd"] > 5
    assert result["subject"]["count"] == 30


def test_folders_that_fit_no_class_are_refused(tmp_path: Path, cache_dir: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        (tmp_path / "pets" / name / "0.png").write_bytes(png(np.zeros((8, 8), np.uint8)))
    with pytest.raises(DataError, match="cats"):
        evaluated(tmp_path / "e", cache_dir, f"images={tmp_path / 'pets'}", *DIGITS)


def test_colour_images_against_grey_ones_are_refused(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "colour"
    folder.mkdir()
    (folder / "0.png").write_bytes(png(np.zeros((8, 8, 3), np.uint8)))
    with pytest.raises(DataError, match="3 channels"):
        evaluated(tmp_path / "e", cache_dir, f"images={folder}", *DIGITS)


def test_inception_repeats_a_grey_channel_and_refuses_four(tmp_path: Path) -> None:
    grey = torch.arange(2 * 64, dtype=torch.uint8).view(2, 1, 8, 8)
    assert torch.equal(three_channels(grey, "inception"), torch.cat([grey] * 3, 1))
    with pytest.raises(ConfigError, match="got 4"):
        Inception(path=None, cache_dir=str(tmp_path), batch_size=2).extract(torch.zeros(2, 4, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize("text", ['{"name": "some web app", "files": []}', "[1, 2]", "not json"])
def test_a_manifest_of_another_program_is_no_obstacle(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(png(np.full((8, 8), i, np.uint8)))
    read = read_images(tmp_path, channels=1, image_size=8, class_names=("a", "b"))
    assert read.image[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert set(read.origin) == {"path", "count"}


def test_a_parquet_file_without_labels_or_without_images(tmp_path: Path) -> None:
    rows = [{"bytes": png(np.full((8, 8), i, np.uint8)), "path": None} for i in range(3)]
    plain, other = tmp_path / "plain.parquet", tmp_path / "other.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"image": rows}), plain)
    pyarrow.parquet.write_table(pyarrow.table({"picture": rows}), other)
    read = read_images(plain, channels=1, image_size=8, class_names=("a", "b"))
    assert read.label.tolist() == [-1, -1, -1]
    assert read.image[:, 0, 0, 0].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="none of them image or img: rename"):
        read_images(other, channels=1, image_size=8, class_names=("a", "b"))


@pytest.mark.slow
def test_a_real_data_reference_of_fewer_images_says_so(tmp_path: Path, cache_dir: Path) -> None:
    """The 1,299 training images of digits give 649 against 650 at most; against test, 100 stand in for 100."""
    images = real_digits(tmp_path / "images", cache_dir, "train", 700)
    records = evaluated(tmp_path / "e", cache_dir, f"images={images}", *DIGITS, "metric.names=[fd]")["records"]
    assert [record["real_data_reference_images"] for record in records] == [[649, 650], [649, 355]]
    assert len(reference_notes(records)) == 2
    few = real_digits(tmp_path / "few", cache_dir, "train", 100)
    records = evaluated(tmp_path / "f", cache_dir, f"images={few}", *DIGITS, "metric.names=[fd]")["records"]
    assert [record["real_data_reference_images"] for record in records] == [[100, 1199], [100, 355]]
    assert [note.startswith("against train") for note in reference_notes(records)] == [True]


@pytest.mark.slow
def test_images_of_a_generator_that_saw_the_reference_are_refused(tmp_path: Path, cache_dir: Path) -> None:
    """The generator of another split of digits has trained on some of this split's val images."""
    training = [*TINY, *DIGITS, f"paths.cache_dir={cache_dir}", "trainer.max_steps=1", "report=false"]
    train(compose(*training, "data.split_seed=5", run_dir=tmp_path / "run"), tmp_path / "run")
    given = (f"run={tmp_path / 'run'}", "count=20", "format=[parquet]", f"paths.cache_dir={cache_dir}")
    made = compose(*given, config="generate", run_dir=tmp_path / "made")
    generate(made, tmp_path / "made")
    asked = (f"images={tmp_path / 'made'}", "metric.names=[fd]")
    with pytest.raises(DataError, match=r"was trained on .* val images of the reference"):
        evaluated(tmp_path / "other", cache_dir, *asked, *DIGITS, "splits=[val]")
    assert evaluated(tmp_path / "train", cache_dir, *asked, *DIGITS, "splits=[train]")["records"]
    assert evaluated(tmp_path / "own", cache_dir, *asked, f"reference={tmp_path / 'run'}", "splits=[val]")["records"]
