"""Which files of a folder are images of a data set."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.core.errors import DataError
from sparring.data.folder import Folder
from sparring.data.reading.decode import Decoder
from sparring.data.reading.image_file import image_files, natural
from sparring.data.reading.source import Location


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)


def test_two_comes_before_ten() -> None:
    assert sorted(["10", "9", "a2", "a10", "1"], key=natural) == ["1", "9", "10", "a2", "a10"]


def test_copies_of_notebooks_and_file_managers_do_not_count(tmp_path: Path) -> None:
    for name in (
        "a.png",
        "deep/b.png",
        ".ipynb_checkpoints/a.png",
        "deep/__MACOSX/c.png",
        "deep/@eaDir/d.png",
        ".e.png",
        "f.eps",
    ):
        picture(tmp_path / name) if not name.endswith("eps") else (tmp_path / name).write_text("%!PS")
    assert [file.relative_to(tmp_path).as_posix() for file in image_files(tmp_path)] == ["a.png", "deep/b.png"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    picture(tmp_path / "own" / "a.png")
    picture(tmp_path / "elsewhere" / "b.png")
    (tmp_path / "own" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "own" / "again").symlink_to(tmp_path / "own")
    assert [file.name for file in image_files(tmp_path / "own")] in (["b.png", "a.png"], ["a.png", "b.png"])


@pytest.mark.parametrize("names", [("Training", "Testing"), ("train", "test"), ("TRAIN", "tst")])
def test_splits_by_any_usual_name(tmp_path: Path, names: tuple[str, str]) -> None:
    for split, count in zip(names, (3, 1), strict=True):
        for label in ("2", "10"):
            for i in range(count):
                picture(tmp_path / split / label / f"{i}.png")
    reading = Folder().read(Location(path=tmp_path))
    assert reading.class_names == ("2", "10")
    assert {chunk.split: len(chunk.label) for chunk in reading.chunks} == {"train": 6, "test": 2}


def test_a_val_folder_is_val_where_there_is_a_test_folder(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        picture(tmp_path / split / "a" / "0.png")
    assert [chunk.split for chunk in Folder().read(Location(path=tmp_path)).chunks] == ["train", "val", "test"]
    picture(tmp_path / "Training" / "a" / "0.png")
    with pytest.raises(DataError, match="two folders for its train split"):
        Folder().read(Location(path=tmp_path))


@pytest.mark.parametrize("target", ["missing.png", "a.png", "missing/x.png"], ids=["nowhere", "itself", "no folder"])
def test_a_link_that_leads_nowhere_is_an_image_that_does_not_decode(target: str, tmp_path: Path) -> None:
    folder = tmp_path / "cat"
    folder.mkdir()
    (folder / "a.png").symlink_to(folder / target)
    location = Location(path=tmp_path)
    assert len(Folder().identity(location)["files"]) == 1
    (chunk,) = Folder().read(location).chunks
    with ThreadPoolExecutor() as pool, pytest.raises(DataError, match=r"cat/a\.png does not decode as an image"):
        Decoder(1, 8, "bicubic", None, None, "fail")(chunk, pool)
