"""What the cells of a study share: plain values of its configuration, and the training images that they describe."""

import json
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest
from sklearn.datasets import load_digits

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.study.cells.subset import check_label_counts, images_per_class, labelled_subset, training_labels
from sparring.study.engine.cell import Seeds
from sparring.study.engine.context import StudyContext

SEEDS = Seeds(split=5, subset=7, gan=1, pool=2, classifier=3)


def context(cache_dir: Path, *overrides: str) -> StudyContext:
    return StudyContext.read(compose("study", ["data.image_size=8", f"paths.cache_dir={cache_dir}", *overrides]))


def test_a_context_holds_plain_values_and_cannot_be_changed(cache_dir: Path) -> None:
    read = context(cache_dir, "seed=5", 'train=["trainer=cpu"]', "extensions=[tests]", "data.batch_size=16")
    assert (read.dataset, read.seed, read.train, read.build.extensions) == ("digits", 5, ("trainer=cpu",), ("tests",))
    assert (read.batch_size, read.num_classes, read.image_size, read.flip) == (16, 10, 8, False)
    assert read.paths["cache_dir"] == str(cache_dir)
    json.dumps(asdict(read))  # nothing of OmegaConf is left in it
    with pytest.raises(FrozenInstanceError):
        read.seed = 6  # type: ignore[misc]


def test_labelled_subsets_have_the_batch_of_all_images_or_all_labelled_ones(cache_dir: Path) -> None:
    read = context(cache_dir, "data.batch_size=64")
    assert labelled_subset(read, None, SEEDS) == ["data.split_seed=5", "data.subset_seed=7", "data.batch_size=64"]
    assert labelled_subset(read, 3, SEEDS) == [
        "data.labels_per_class=3",
        "data.split_seed=5",
        "data.subset_seed=7",
        "data.batch_size=30",
    ]
    assert labelled_subset(read, 20, SEEDS)[-1] == "data.batch_size=64"


def test_training_labels_are_those_of_the_data_and_of_changed_settings(cache_dir: Path) -> None:
    read = context(cache_dir, "data.val_fraction=0")
    images = [int((load_digits().target == k).sum()) for k in range(10)]
    train = [count - count // 5 for count in images]  # every fifth image of a class is a test image
    assert training_labels(read) == {str(k): count for k, count in enumerate(train)}
    assert set(training_labels(read, labels_per_class=4).values()) == {4}
    assert images_per_class(read, None) == sum(train) // 10


def test_label_counts_beyond_the_data_name_the_setting_and_the_scarcest_class(cache_dir: Path) -> None:
    read = context(cache_dir)
    smallest = min(training_labels(read).values())
    check_label_counts(read, [1, smallest])
    with pytest.raises(
        ConfigError, match=rf"study.largest={smallest + 1} must be from 1 to {smallest}: class \d of digits"
    ):
        check_label_counts(read, [smallest + 1], key="largest")
    with pytest.raises(ConfigError, match=rf"must be from 1 to {smallest - 1}: .*further real images"):
        check_label_counts(read, [smallest], more_real=True)


def test_a_split_for_all_replicates_is_the_studys_setting(cache_dir: Path) -> None:
    assert labelled_subset(context(cache_dir, "split_seed=3"), None, SEEDS)[0] == "data.split_seed=3"
    with pytest.raises(ConfigError, match=r"^data\.split_seed=3: .* say split_seed=3 for one split in all"):
        context(cache_dir, "data.split_seed=3")
