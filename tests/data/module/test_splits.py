"""How images are cut into splits, and which of them a run takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.core.errors import DataError
from tests.data.files import parquet, random_images

Make = Callable[..., Any]  # the fixture `data`: (name, *overrides) -> ImageData


def test_splits_are_disjoint_and_evaluation_is_ordered(make: Make) -> None:
    data = make("digits")
    data.setup()
    train, val = data.splits.images["train"].rows, data.splits.images["val"].rows
    assert not set(train.tolist()) & set(val.tolist())
    batches = [data.on_after_batch_transfer(batch, 0) for batch in data.val_dataloader()]
    assert torch.cat([batch.label for batch in batches]).tolist() == data.splits.images["val"].label.tolist()
    assert sum(len(batch.image) for batch in data.test_dataloader()) == 355


def test_permuted_labels_are_those_of_other_training_images(make: Make) -> None:
    plain, permuted, again = make("digits"), *(make("digits", "data.permuted_labels=true") for _ in range(2))
    for data in (plain, permuted, again):
        data.setup()
    true, other = plain.whole("train"), permuted.whole("train")
    assert torch.equal(true.image, other.image)
    assert torch.equal(true.label.bincount(), other.label.bincount())
    assert float((true.label == other.label).double().mean()) < 0.2
    assert torch.equal(other.label, again.whole("train").label)
    assert torch.equal(plain.whole("val").label, permuted.whole("val").label)
    assert plain.fingerprints()["train"] != permuted.fingerprints()["train"]


def test_fingerprints_tell_splits_and_subsets_apart(make: Make) -> None:
    base, other, few = make("digits"), make("digits", "data.split_seed=1"), make("digits", "data.labels_per_class=9")
    for data in (base, other, few):
        data.setup()
    a, b, c = (data.fingerprints() for data in (base, other, few))
    assert len({*a.values(), b["train"], b["val"], c["train"]}) == 6
    assert a["test"] == b["test"] == c["test"]
    assert a["val"] == c["val"]
    assert all(len(value) == 64 for value in a.values())


def test_prior_and_real_examples(make: Make) -> None:
    data = make("digits", "data.imbalance=10", "data.labels_per_class=100")
    data.setup()
    counts = torch.bincount(data.train_labels)
    assert torch.allclose(data.class_prior, counts / counts.sum())
    assert (counts[0], counts[9]) == (100, 10)
    image, label = data.real_examples(per_class=3)
    assert label.tolist() == [k for k in range(10) for _ in range(3)]
    fives = (data.train_labels == 5).nonzero().flatten()[:3]
    assert torch.equal(image[15:18], data.train_images(fives))


def test_classes_are_relabelled_in_the_order_given(make: Make) -> None:
    data = make("digits", "data.classes=[7,1]", "data.num_classes=2")
    data.setup()
    assert data.class_names == ("7", "1")
    full = make("digits")
    full.setup()
    sevens = data.train_images((data.train_labels == 0).nonzero().flatten())
    assert torch.equal(sevens, full.train_images((full.train_labels == 7).nonzero().flatten()))
    assert {label for batch in data.test_dataloader() for label in batch.label.tolist()} == {0, 1}


def test_source_without_test_split_gets_a_stratified_cut(make: Make, tmp_path: Path) -> None:
    arrays = random_images(3, 32, 10)
    parquet(tmp_path, arrays)
    data = make(
        "hub",
        f"data.path={tmp_path}/train.parquet",
        "data.num_classes=10",
        "data.test_fraction=0.2",
        "data.batch_size=2",
    )
    data.setup()
    assert torch.bincount(data.splits.images["test"].label).tolist() == [1] * 10
    rows = torch.cat([data.splits.images[split].rows for split in ("train", "val", "test")])
    assert rows.sort().values.tolist() == list(range(60))


def test_class_with_too_few_images(make: Make) -> None:
    with pytest.raises(DataError, match=r"Class 0 has 12\d training images"):
        make("digits", "data.labels_per_class=500").setup()
