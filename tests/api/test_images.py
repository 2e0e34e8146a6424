"""Images as users hold them: the same pixels from every form, and one sentence for what is none."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from sparring.api.images import classes_of, content_of, in_flight, pixels, unit_range
from sparring.core.errors import DataError
from sparring.core.pixels import normalise

LEVELS = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
LABELS = torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    "given",
    [
        LEVELS,
        LEVELS.numpy(),
        LEVELS.float() / 255,
        (LEVELS.double() / 255).numpy(),
        LEVELS.float() / 127.5 - 1,
        (LEVELS / 255).tolist(),
    ],
    ids=["uint8", "array", "unit range", "float64 array", "signed range", "lists"],
)
def test_all_256_levels_survive_in_every_form(given: Any) -> None:
    assert torch.equal(pixels(given), LEVELS)


def test_in_flight_is_the_package_s_own_conversion_and_unit_range_its_inverse() -> None:
    assert torch.equal(in_flight(LEVELS), normalise(LEVELS))
    assert torch.equal(in_flight(LEVELS.float() / 255), LEVELS.float() / 255 * 2 - 1)
    torch.testing.assert_close(unit_range(in_flight(LEVELS)), unit_range(LEVELS))
    assert unit_range(LEVELS).aminmax() == (0.0, 1.0)


def test_an_array_that_cannot_be_written_to_is_taken_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    array = LEVELS.numpy().copy()
    array.flags.writeable = False
    assert torch.equal(pixels(array), LEVELS)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("cat.png", "are of the type str: give a tensor or array"),
        (LEVELS.long(), r"are torch.int64: give uint8, or floats from 0 to 1"),
        (LEVELS.float(), r"are torch.float32 from 0 to 255: give uint8, or floats from 0 to 1"),
        (LEVELS.float() / 255 * float("nan"), "from nan to nan"),
        (LEVELS[:, 0], r"shape \(4, 8, 8\): give \(N, C, H, W\), at least one image, for example images\[:, None\]"),
        (LEVELS.permute(0, 2, 3, 1), r"with channels last: give \(N, C, H, W\), for example images.transpose"),
        (LEVELS[:0], r"shape \(0, 1, 8, 8\): give"),
    ],
)
def test_what_is_no_image_is_refused(given: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        pixels(given)


def test_a_network_s_images_are_never_guessed_to_be_signed() -> None:
    with pytest.raises(DataError, match="from -1 to 1: give uint8, or floats from 0 to 1"):
        in_flight(LEVELS.float() / 127.5 - 1)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 1], r"shape \(2,\) for 4 images"),
        ([0.0, 1, 2, 0], "are torch.float32: give whole numbers"),
        (["a", "b", "c", "d"], "are of the type list: give whole numbers"),
        ([0, -1, 2, 0], "hold -1: classes are counted from 0"),
        ([True, False, True, True], "are torch.bool"),
    ],
)
def test_what_is_no_label_is_refused(labels: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        classes_of(labels, 4)


def test_unknown_labels_are_taken_where_they_may_be_unknown() -> None:
    assert classes_of([-1, 0], 2, unknown=True).tolist() == [-1, 0]


def test_a_pair_a_data_set_and_named_splits_hold_the_same_images() -> None:
    pair = content_of((LEVELS, LABELS))
    data_set = content_of(TensorDataset(LEVELS, LABELS))
    splits = content_of({"train": (LEVELS.numpy(), LABELS.numpy()), "test": (LEVELS[:1], LABELS[:1])})
    assert pair.fingerprint == data_set.fingerprint != splits.fingerprint
    assert pair.class_names == splits.class_names == ("0", "1", "2")
    assert np.array_equal(splits.splits["train"].image, LEVELS.numpy())
    assert len(splits.splits["test"].label) == 1


def test_a_data_set_of_pictures_names_its_classes() -> None:
    from PIL import Image

    class Pictures(list):  # type: ignore[type-arg]
        classes = ("cat", "dog")

    red = Image.new("RGB", (4, 4), (255, 0, 0))
    content = content_of(Pictures([(red, 0), (red, 1), (red, 0)]))
    assert content.class_names == ("cat", "dog")
    assert content.splits["train"].image.shape == (3, 3, 4, 4)
    assert content.splits["train"].image[0, :, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (LEVELS, "data is of the type Tensor: give a pair"),
        ({"test": (LEVELS, LABELS)}, 'has the splits test: give "train"'),
        ({"train": (LEVELS, LABELS), "val": (LEVELS, LABELS)}, "has the splits train, val"),
        (TensorDataset(LEVELS), r"item 0 of data is no pair \(image, label\)"),
        ((LEVELS.float(), LABELS), "the images of data are torch.float32 from 0 to 255"),
        ((LEVELS, LABELS[:2]), r"the labels of data have the shape \(2,\) for 4 images"),
        ({"train": (LEVELS, LABELS), "test": (LEVELS, LABELS - 1)}, r"the labels of data\['test'\] hold -1"),
        ([(LEVELS[0], 0), (LEVELS[0, :, :4], 1), (LEVELS[0], 2)], "the images of data have 2 shapes"),
    ],
)
def test_what_is_no_data_set_is_refused(data: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        content_of(data)
