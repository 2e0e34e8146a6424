"""The cache is whole or absent, is reused, follows its input, and survives damage, crashes and rivals."""

import errno
import hashlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparring.core.errors import DataError, DiskError
from sparring.data.reading.decode import Decoder
from sparring.data.reading.source import Chunk, Encoded, Location, Pixels, Reading, Source
from sparring.data.serving import cache as cache_module
from sparring.data.serving import verify
from sparring.data.serving.cache import Cache, open_or_create
from sparring.data.serving.storage import load_images


class Toy(Source):
    """30 training and 10 test images of one value each, in chunks of 10."""

    channels, image_size = 1, 4

    def __init__(self, *, version: int = 0, before: Callable[[int], None] = lambda chunk: None, bad: int = 0) -> None:
        self.version, self.before, self.bad, self.reads = version, before, bad, 0

    def identity(self, location: Location) -> dict[str, Any]:
        return {"version": self.version}

    def read(self, location: Location) -> Reading:
        self.reads += 1
        return Reading(("a", "b"), self._chunks(), {})

    def _chunks(self) -> Iterator[Chunk]:
        for number, split in enumerate(("train", "train", "train", "test")):
            self.before(number)
            image = np.full((10, 1, 4, 4), number, dtype=np.uint8)
            yield Pixels(split, image, np.arange(10) % 2, "toy", 10 * number)
        if self.bad:
            yield Encoded("train", [b"no image"] * self.bad, np.zeros(self.bad, np.int64), ["broken.png"] * self.bad)


def opened(source: Source, folder: Path, *, on_error: str = "fail") -> Cache:
    decoder = Decoder(1, 4, "bicubic", 1, 4, on_error)  # type: ignore[arg-type]
    return open_or_create(source=source, location=Location(), name="toy", decoder=decoder, cache_dir=folder)


def test_created_once_then_mapped_with_what_was_written(tmp_path: Path) -> None:
    source = Toy()
    first, second = opened(source, tmp_path), opened(source, tmp_path)
    assert source.reads == 1
    train = second.splits["train"]
    assert isinstance(train.image, np.memmap)
    assert (train.image[:, 0, 0, 0] == np.repeat([0, 1, 2], 10)).all()
    assert train.label.tolist() == [0, 1] * 15
    assert second.splits["test"].image.shape == (10, 1, 4, 4)
    assert first.class_names == ("a", "b")


def test_meta_has_the_checksums_of_the_files(tmp_path: Path) -> None:
    cache = opened(Toy(), tmp_path)
    meta = json.loads((cache.folder / "meta.json").read_text())
    for name, facts in meta["files"].items():
        array = np.load(cache.folder / name)
        assert facts["sha256"] == hashlib.sha256(array.tobytes()).hexdigest()
        assert facts["bytes"] == (cache.folder / name).stat().st_size


def test_another_identity_is_another_cache(tmp_path: Path) -> None:
    assert opened(Toy(), tmp_path).folder != opened(Toy(version=1), tmp_path).folder


@pytest.mark.parametrize("damage", ["truncate", "meta", "missing"])
def test_damaged_cache_is_made_again(tmp_path: Path, damage: str) -> None:
    folder = opened(Toy(), tmp_path).folder
    images = folder / "train_images.npy"
    if damage == "truncate":
        os.truncate(images, 100)
    elif damage == "meta":
        (folder / "meta.json").write_text("{")
    else:
        images.unlink()
    source = Toy()
    assert (opened(source, tmp_path).splits["train"].image[25] == 2).all()
    assert source.reads == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [folder.name]


def _killed(folder: Path) -> None:
    opened(Toy(before=lambda chunk: os.kill(os.getpid(), signal.SIGKILL) if chunk == 2 else None), folder)


def test_killed_writer_leaves_no_cache_and_is_swept_later(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(tmp_path,))
    process.start()
    process.join()
    (stray,) = tmp_path.iterdir()
    assert stray.name.startswith(".tmp-")
    os.utime(stray, (0, time.time() - 2 * cache_module.STALE_SECONDS))
    opened(Toy(), tmp_path)
    assert not stray.exists()


def test_second_writer_keeps_the_first_ones_cache(tmp_path: Path) -> None:
    rival = Toy()
    opened(Toy(before=lambda chunk: opened(rival, tmp_path) if chunk == 3 else None), tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert rival.reads == 1
    assert (opened(Toy(), tmp_path).splits["train"].image[25] == 2).all()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_full_disk_is_a_disk_error_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    def fail(chunk: int) -> None:
        if chunk == 2:
            raise OSError(number, os.strerror(number))

    with pytest.raises(DiskError, match=r"cannot be written .*set data\.cache_dir"):
        opened(Toy(before=fail), tmp_path)
    assert not list(tmp_path.iterdir())


def test_cache_dir_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="cannot be written"):
        opened(Toy(), tmp_path / "file")


def test_one_percent_may_be_skipped_and_is_counted(tmp_path: Path) -> None:
    cache = opened(Toy(bad=1), tmp_path, on_error="skip")
    assert len(cache.splits["train"].label) == 30
    assert cache.meta["skipped"][0].startswith("broken.png does not decode")
    with pytest.raises(DataError, match=r"1 images were left out, first: broken\.png"):
        opened(Toy(bad=1), tmp_path)
    with pytest.raises(DataError, match=r"2 of 42 images do not decode, more than the 1%"):
        opened(Toy(bad=2, version=1), tmp_path, on_error="skip")


def test_label_out_of_range_is_located(tmp_path: Path) -> None:
    class Wrong(Toy):
        def _chunks(self) -> Iterator[Chunk]:
            yield Pixels("train", np.zeros((3, 1, 4, 4), np.uint8), np.array([0, 1, 2]), "labels.bin", 10)

    with pytest.raises(DataError, match=r"label of labels\.bin record 12 is 2, outside 0\.\.1"):
        opened(Wrong(), tmp_path)


def test_no_training_image(tmp_path: Path) -> None:
    class Empty(Toy):
        def _chunks(self) -> Iterator[Chunk]:
            yield Pixels("test", np.zeros((3, 1, 4, 4), np.uint8), np.zeros(3, np.int64), "toy")

    with pytest.raises(DataError, match="There is no training image"):
        opened(Empty(), tmp_path)


@pytest.mark.parametrize("name", ["train_images.npy", "train_labels.npy", "test_images.npy"])
def test_a_flipped_bit_is_noticed_and_the_cache_made_again(tmp_path: Path, name: str) -> None:
    source = Toy()
    before = opened(source, tmp_path)
    file = before.folder / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    again = opened(source, tmp_path)
    assert source.reads == 2
    assert {split: each.sha256 for split, each in again.splits.items()} == {
        split: each.sha256 for split, each in before.splits.items()
    }
    assert bytes(content) != file.read_bytes()


def test_blocks_of_large_arrays_are_checked_when_first_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "WHOLE_BYTES", 64)
    monkeypatch.setattr(verify, "BLOCK_BYTES", 64)  # four of the images, which have 16 bytes
    source = Toy()
    folder = opened(source, tmp_path).folder
    file = folder / "train_images.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    cache = opened(source, tmp_path)
    images = load_images(cache.splits["train"], torch.arange(2), "mmap")
    images.take(torch.arange(0, 20))
    with pytest.raises(DataError, match=r"train_images.npy is damaged.*remove the folder"):
        images.take(torch.tensor([29]))
