"""Published sets of generated images as a pool: the generator saw the whole train split, and the record says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.core.errors import ConfigError, DataError
from sparring.trained.runs import Runs
from sparring.trained.scorer import RunScorers

Make = Callable[..., Any]
RANDOM = np.random.default_rng(0)
LABEL = np.arange(60) % 10


def images(count: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set with a test split of its own, and an archive of generated images under the keys of the EDM sets."""
    np.savez(tmp_path / "real.npz", x_train=images(60), y_train=LABEL, x_test=images(8), y_test=LABEL[:8])
    np.savez(tmp_path / "edm.npz", image=images(20), label=LABEL[:20])
    return tmp_path


def opened(make: Make, folder: Path, *overrides: str, pool: str = "edm.npz") -> Any:
    data = make(
        "cifar10", f"data.path={folder / 'real.npz'}", "data.batch_size=8",
        "data.val_fraction=0", "data/mix=images", f"data.mix.images=['{folder / pool}']", "data.mix.provenance=train_split",
        *overrides,
    )  # fmt: skip
    data.setup()
    data.prepare_mix(RunScorers(Runs(folder)))
    return data


def test_a_published_archive_is_mixed_in_with_its_labels(make: Make, folder: Path) -> None:
    data = opened(make, folder)
    with np.load(folder / "edm.npz") as published:
        assert np.array_equal(data.pool.images.pixels.numpy(), published["image"].transpose(0, 3, 1, 2))
        assert data.pool.images.label.tolist() == published["label"].tolist()
    assert data.origin["mix"]["provenance"] == "train_split"
    assert data.origin["mix"]["extra_labels"] == 0
    assert data.origin["mix"]["upstream_runs"] == [f"the generator of {folder / 'edm.npz'}"]


def test_few_labels_refuse_it_unless_told_otherwise(make: Make, folder: Path) -> None:
    few = "data.labels_per_class=2"
    with pytest.raises(DataError, match=r"used the labels of 40 training images that this run does not have"):
        opened(make, folder, few)
    assert opened(make, folder, few, "data.mix.extra_labels=true").origin["mix"]["extra_labels"] == 40


def test_a_val_split_that_the_generator_saw_is_refused(make: Make, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"of which val is a part here: set data.val_fraction=0"):
        opened(make, folder, "data.val_fraction=0.2")


def test_a_data_set_without_a_test_split_is_refused(make: Make, folder: Path) -> None:
    np.savez(folder / "real.npz", x_train=images(60), y_train=LABEL)
    with pytest.raises(ConfigError, match=r"of which test is a part here: use a data set with a test split of its own"):
        opened(make, folder)


@pytest.mark.parametrize(
    ("shape", "label", "sentence"),
    [
        ((5, 9, 9, 3), [0, 1, 2, 3, 0], r"9x9 pixels, this run's data have 3 and 32x32"),
        ((2, 32, 32, 3), [0, 17], r"has the classes 17, which are none of"),
        ((0, 32, 32, 3), [], r"holds no images"),
    ],
)
def test_archives_that_do_not_fit_are_refused(
    shape: tuple[int, ...], label: list[int], sentence: str, make: Make, folder: Path
) -> None:
    np.savez(folder / "other.npz", image=np.zeros(shape, np.uint8), label=np.array(label, dtype=np.int64))
    with pytest.raises(DataError, match=sentence):
        opened(make, folder, pool="other.npz")


def test_an_unknown_rule_is_refused(make: Make, folder: Path) -> None:
    with pytest.raises(Exception, match=r"data.mix.provenance=mine is not one of record, train_split, declared"):
        opened(make, folder, "data.mix.provenance=mine")
