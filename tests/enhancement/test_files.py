"""Files, folders and parquet files of images of any kind; what is none."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import DataError
from sparring.enhancement.files import pictures_of
from sparring.generation.sampler import Samples
from sparring.generation.writers import ParquetWriter


def test_a_folder_is_read_with_its_sub_folders(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    Image.new("RGBA", (3, 2), (1, 2, 3, 4)).save(tmp_path / "b" / "two.png")
    Image.new("L", (4, 5), 7).save(tmp_path / "a.png")
    Image.new("P", (2, 2)).save(tmp_path / "c.gif")
    found = {str(each.name): each.pixels for each in pictures_of(tmp_path)}
    assert {name: pixels.shape for name, pixels in found.items()} == {
        "a.png.png": (5, 4, 1), "b/two.png.png": (2, 3, 4), "c.gif.png": (2, 2, 3)
    }  # fmt: skip
    assert found["b/two.png.png"][0, 0].tolist() == [1, 2, 3, 4]
    (alone,) = pictures_of(tmp_path / "a.png")
    np.testing.assert_array_equal(alone.pixels, found["a.png.png"])


def test_a_parquet_file_is_read_row_by_row(tmp_path: Path) -> None:
    image = torch.arange(2 * 3 * 4 * 4, dtype=torch.uint8).view(2, 3, 4, 4)
    writer = ParquetWriter(tmp_path, class_names=("a", "b"))
    writer.add(Samples(torch.arange(2), torch.tensor([0, 1]), image))
    writer.commit()
    found = list(pictures_of(writer.path))
    assert [str(each.name) for each in found] == ["000000.png", "000001.png"]
    np.testing.assert_array_equal(found[1].pixels, image[1].permute(1, 2, 0).numpy())


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist; give an image file"):
        list(pictures_of(tmp_path / "none"))
    with pytest.raises(DataError, match="holds no image files"):
        list(pictures_of(tmp_path))
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataError, match=r"text\.png is no readable image"):
        list(pictures_of(tmp_path))
