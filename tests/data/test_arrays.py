"""Images given in Python, as a source: they are in the cache afterwards, and only their fingerprint is in a configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.data.arrays import Arrays, ArraySplit, Content
from sparring.data.module.image_data import ImageData

Make = Callable[..., Any]
IMAGE = np.random.default_rng(0).integers(0, 256, (60, 3, 8, 8), dtype=np.uint8)
LABEL = np.arange(60) % 4


def content(**changes: Any) -> Content:
    given = {"train": ArraySplit(IMAGE, LABEL), "test": ArraySplit(IMAGE[:8], LABEL[:8])}
    return Content(given | changes, ("a", "b", "c", "d"))


def data(make: Make, given: Content, *overrides: str) -> ImageData:
    keys = [
        "data.channels=3",
        "data.image_size=8",
        "data.num_classes=4",
        f"data.source.fingerprint={given.fingerprint}",
    ]
    return make("arrays", *keys, "data.val_fraction=0", "data.batch_size=4", *overrides)


def test_what_was_given_is_found_by_its_fingerprint_alone(make: Make) -> None:
    given = content()
    first = data(make, given)
    first.source = Arrays(fingerprint=given.fingerprint, content=given)
    first.prepare_data()
    later = data(make, given)
    later.setup()
    whole = later.whole("train")
    assert torch.equal(whole.image, torch.from_numpy(IMAGE))
    assert torch.equal(whole.label, torch.from_numpy(LABEL))
    assert torch.equal(later.whole("test").image, torch.from_numpy(IMAGE[:8]))
    assert later.class_names == ("a", "b", "c", "d")


def test_what_was_never_given_is_refused(make: Make) -> None:
    with pytest.raises(DataError, match=r"were given in Python and are no longer in the cache: give them again"):
        data(make, content()).setup()


def test_a_path_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.path=.* cannot be used here: data=arrays holds images"):
        data(make, content(), f"data.path={tmp_path}").setup()


def test_the_fingerprint_sees_pixels_labels_splits_and_names() -> None:
    changed, relabelled = IMAGE.copy(), (LABEL + 1) % 4
    changed[0, 0, 0, 0] ^= 1
    others = [
        content(train=ArraySplit(changed, LABEL)),
        content(train=ArraySplit(IMAGE, relabelled)),
        content(test=ArraySplit(IMAGE[:9], LABEL[:9])),
        Content(content().splits, ("a", "b", "c", "e")),
    ]
    assert len({each.fingerprint for each in (content(), *others)}) == 5
    assert (
        content(train=ArraySplit(np.asfortranarray(IMAGE), LABEL.astype(np.int32))).fingerprint == content().fingerprint
    )
