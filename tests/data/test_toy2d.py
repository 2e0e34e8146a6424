"""Points in the plane as images of one pixel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hydra.errors import InstantiationException

from sparring.core.errors import ConfigError
from sparring.data.reading.source import Location
from sparring.data.toy2d import Toy2D

MODES = {"ring": 8, "grid": 25, "moons": 2}


def points(shape: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) coordinates of the training points, and their classes."""
    chunks = [
        chunk
        for chunk in Toy2D(shape=shape, modes=MODES, spread=0.03).read(Location()).chunks
        if chunk.split == "train"
    ]
    image, label = (np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("image", "label"))
    assert image.dtype == np.uint8
    assert image.shape[1:] == (2, 1, 1)
    return image[:, :, 0, 0] / 255 * 2 - 1, label


@pytest.mark.parametrize("shape", ["ring", "grid"])
def test_modes_lie_where_their_shape_says_with_the_spread_asked_for(shape: str) -> None:
    point, label = points(shape)
    centres = np.stack([point[label == k].mean(0) for k in range(MODES[shape])])
    residual = point - centres[label]
    np.testing.assert_allclose(residual.std(), 0.03, rtol=0.05)
    if shape == "ring":
        np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 0.7, atol=0.01)
    else:
        line = np.linspace(-0.7, 0.7, 5)
        np.testing.assert_allclose(centres, np.stack([np.tile(line, 5), np.repeat(line, 5)], 1), atol=0.01)


def test_moons_interlock_and_cannot_be_cut_apart_by_a_line() -> None:
    point, label = points("moons")
    design = np.c_[point, np.ones(len(point))]
    weight, *_ = np.linalg.lstsq(design, 2.0 * label - 1, rcond=None)
    assert 0.8 < ((design @ weight > 0) == label).mean() < 0.95
    assert np.abs(point).max() < 1


def test_the_data_module_serves_them_and_counts_their_classes(make: Callable[..., Any]) -> None:
    data = make("toy2d", "data.source.shape=moons")
    data.setup("fit")
    assert data.shape.num_classes == 2
    assert data.whole("test").image.shape == (1000, 2, 1, 1)
    assert torch.equal(data.whole("test").label.unique(), torch.arange(2))


def test_settings_that_cannot_be_are_refused() -> None:
    for shape, modes, spread, said in (
        ("spiral", MODES, 0.1, "none of ring, grid, moons"), ("grid", {"grid": 24}, 0.1, "a square number"),
        ("moons", {"moons": 3}, 0.1, "must be 2"), ("ring", MODES, 0.0, "above 0"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            Toy2D(shape=shape, modes=modes, spread=spread).identity(Location())


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.image_size=8", r"data.image_size=8 must be 1: images of 2 channels \(data=toy2d\) are not resized"),
        ("data.channels=3", "data.channels=3 is not one of 2"),
    ],
)
def test_a_point_has_no_other_size(override: str, said: str, make: Callable[..., Any]) -> None:
    with pytest.raises(InstantiationException, match=said) as raised:
        make("toy2d", override)
    assert isinstance(raised.value.__cause__, ConfigError)
