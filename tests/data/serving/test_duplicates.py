"""What a data set holds twice is counted, said, left out of train, or refused."""

import numpy as np
import pytest
import torch

from sparring.core.errors import DataError
from sparring.data.serving.duplicates import settle, sums
from sparring.data.serving.storage import Images


def split(values: list[int], labels: list[int]) -> Images:
    """Images of 3 x 5 x 5 pixels, equal where their value is."""
    noise = torch.randint(0, 256, (256, 3, 5, 5), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Images(
        noise[torch.tensor(values, dtype=torch.int64)],
        torch.arange(len(values)),
        torch.tensor(labels, dtype=torch.int64),
        "",
    )


def data() -> dict[str, Images]:
    """Image 1 is in train and test, 2 in train and val, 3 under two classes, 4 twice under one class."""
    return {
        "train": split([0, 1, 2, 3, 3, 4, 4, 5], [0, 0, 0, 0, 1, 1, 1, 1]),
        "val": split([2, 6], [0, 1]),
        "test": split([1, 1, 7], [0, 0, 1]),
    }


def test_they_are_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    images, found = settle(data(), "warn")
    assert found.record() == {"val_in_train": 1, "test_in_train": 2, "two_classes": 2}
    assert len(images["train"]) == 8
    assert "2 images of test are in train, too" in caplog.text
    assert "2 training images are there under two classes" in caplog.text


def test_they_are_left_out_of_train_alone(caplog: pytest.LogCaptureFixture) -> None:
    images, _ = settle(data(), "drop")
    assert images["train"].rows.tolist() == [0, 5, 6, 7]
    assert [len(images[name]) for name in ("val", "test")] == [2, 3]
    more = settle({**data(), "unused": split([1, 8], [0, 0])}, "drop")[0]["unused"]
    assert more.rows.tolist() == [1]
    assert settle(images, "fail")[1].sentence() == ""


def test_they_are_refused() -> None:
    with pytest.raises(DataError, match=r"data.on_duplicates=drop"):
        settle(data(), "fail")
    with pytest.raises(DataError, match="nothing is left"):
        settle({**data(), "train": split([1], [0])}, "drop")


def test_clean_and_empty_splits_pass_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    for val in (split([2], [0]), split([], [])):
        images, found = settle({"train": split([0, 1], [0, 1]), "val": val, "test": split([3], [0])}, "fail")
        assert found.sentence() == ""
        assert len(images["train"]) == 2
    assert not caplog.text


def test_sums_differ_where_one_bit_does() -> None:
    pixels = torch.zeros(301, 1, 10, 3, dtype=torch.uint8)
    for bit in range(240):
        pixels[bit].view(-1)[bit // 8] = 1 << (bit % 8)
    images = Images(pixels, torch.arange(301), torch.zeros(301, dtype=torch.int64), "")
    found = sums(images)
    assert len(np.unique(found)) == 241
    assert np.array_equal(sums(images.subset(torch.tensor([5, 300]))), found[[5, 300]])
