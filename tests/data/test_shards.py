"""Shards of WebDataset, and ImageNet in the forms that it comes in."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.core.errors import DataError
from sparring.data.imagenet import Imagenet
from sparring.data.reading.source import Encoded, Location, Reading
from sparring.data.webdataset import Webdataset
from tests.data.files import encode, random_images

Make = Callable[..., Any]
ARRAYS = random_images(3, 8, 10)


def shard(file: Path, samples: list[dict[str, bytes]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:gz" if file.suffix == ".gz" else "w") as tar:
        for number, sample in enumerate(samples):
            for suffix, content in sample.items():
                member = tarfile.TarInfo(f"./a.b/{number:06d}{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def labelled(label: int, suffix: str) -> bytes:
    return json.dumps({"label": int(label)}).encode() if suffix == ".json" else f"{label}\n".encode()


def write(folder: Path, suffix: str = ".cls", end: str = ".tar") -> Path:
    """train in two shards, test in one."""
    for split, (image, label) in ARRAYS.items():
        rows = [
            {".txt": b"words", ".PNG": encode(x), suffix: labelled(y, suffix)}
            for x, y in zip(image, label, strict=True)
        ]
        for part, start in enumerate(range(0, len(rows), 30)):
            shard(folder / f"{split}-{part:06d}{end}", rows[start : start + 30])
    return folder


@pytest.mark.parametrize(("suffix", "end"), [(".cls", ".tar"), (".json", ".tar.gz")])
def test_shards_give_their_images_and_labels(suffix: str, end: str, tmp_path: Path, make: Make) -> None:
    path = write(tmp_path / "shards", suffix, end)
    data = make(
        "webdataset",
        f"data.path={path}",
        "data.num_classes=10",
        "data.image_size=8",
        "data.batch_size=4",
        "data.val_fraction=0",
    )
    data.setup()
    for split, (image, label) in ARRAYS.items():
        images = data.splits.images[split]
        assert images.label.tolist() == label.tolist()
        np.testing.assert_array_equal(images.pixels[images.rows].numpy(), image)


def read(path: Path) -> Reading:
    return Webdataset().read(Location(path=path))


def test_classes_may_have_names(tmp_path: Path) -> None:
    picture = encode(ARRAYS["train"][0][0])
    shard(tmp_path / "train.tar", [{".jpg": picture, ".cls.txt": name} for name in (b"cat", b"ant", b"cat")])
    reading = read(tmp_path / "train.tar")
    (chunk,) = reading.chunks
    assert reading.class_names == ("ant", "cat")
    assert isinstance(chunk, Encoded)
    assert chunk.label.tolist() == [1, 0, 1]
    assert chunk.data[0] == picture


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        ({".png": b"x"}, "no label"),
        ({".cls": b"3"}, "no image"),
        ({".png": b"x", ".json": b"{}"}, "its json has no label"),
        ({".png": b"x", ".cls": b"\xff"}, "cannot be read"),
    ],
)
def test_a_sample_that_is_not_whole_is_named(sample: dict[str, bytes], says: str, tmp_path: Path) -> None:
    shard(tmp_path / "train.tar", [sample])
    with pytest.raises(DataError, match=says):
        list(read(tmp_path).chunks)


def test_a_folder_without_shards_and_a_cut_one(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(DataError, match="holds no tar files"):
        read(tmp_path)
    write(tmp_path)
    file = tmp_path / "train-000001.tar"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"train-000001.tar"):
        list(read(tmp_path).chunks)


def test_imagenet_is_read_from_folders_of_classes(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for name in ("n02", "n01"):
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (9, 12)).save(tmp_path / split / name / "a.JPEG")
    reading = Imagenet().read(Location(path=tmp_path))
    assert reading.class_names == ("n01", "n02")
    assert {chunk.split for chunk in reading.chunks} == {"train", "test"}
    assert Imagenet().identity(Location(path=tmp_path))["files"]
    assert Imagenet().identity(Location()) == {"hub": ["ILSVRC/imagenet-1k", None, None], "columns": [None, None]}
