import pytest
import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.data.serving.split import SplitSettings, choose_classes, holdout, rows_by_class, training_subset

NAMES = [f"class{k}" for k in range(10)]


def settings(**given: object) -> SplitSettings:
    base: dict[str, object] = {
        "val_fraction": 0.1, "test_fraction": 0.1, "split_seed": 0, "labels_per_class": None, "label_fraction": None,
        "imbalance": None, "subset_seed": 0,
    }  # fmt: skip
    return SplitSettings(**{**base, **given})  # type: ignore[arg-type]


def labels(*counts: int) -> Tensor:
    every = torch.cat([torch.full((count,), k) for k, count in enumerate(counts)])
    return every[torch.randperm(len(every), generator=torch.Generator().manual_seed(0))]


def counts_of(label: Tensor, index: Tensor) -> list[int]:
    return torch.bincount(label[index], minlength=int(label.max()) + 1).tolist()


def test_holdout_is_stratified_disjoint_and_complete() -> None:
    label = labels(50, 20, 5)
    stay, cut = holdout(rows_by_class(label, range(3)), 0.2, "val", 0, NAMES)
    assert counts_of(label, cut) == [10, 4, 1]
    assert torch.cat([*stay.values(), cut]).sort().values.tolist() == list(range(75))


def test_holdout_of_a_class_depends_on_that_class_and_the_seed_alone() -> None:
    label = labels(50, 20, 5)
    _, both = holdout(rows_by_class(label, [0, 1]), 0.2, "val", 0, NAMES)
    _, alone = holdout(rows_by_class(label, [1]), 0.2, "val", 0, NAMES)
    _, other = holdout(rows_by_class(label, [1]), 0.2, "val", 1, NAMES)
    assert both[label[both] == 1].tolist() == alone.tolist() != other.tolist()


def test_small_class_gives_at_least_one_and_keeps_at_least_one() -> None:
    stay, cut = holdout(rows_by_class(labels(2), [0]), 0.1, "val", 0, NAMES)
    assert len(cut) == len(stay[0]) == 1
    with pytest.raises(DataError, match="Class class0 has 1 images, too few to hold out"):
        holdout(rows_by_class(labels(1), [0]), 0.1, "val", 0, NAMES)


def test_long_tail_has_the_published_cifar10_lt_counts() -> None:
    label = labels(*[5000] * 10)
    index = training_subset(rows_by_class(label, range(10)), settings(imbalance=100), NAMES)
    assert counts_of(label, index) == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]  # Cui et al. 2019


def test_labels_per_class_are_nested() -> None:
    label = labels(40, 40)
    few, many = (training_subset(rows_by_class(label, range(2)), settings(labels_per_class=n), NAMES) for n in (3, 10))
    assert counts_of(label, few) == [3, 3]
    assert counts_of(label, many) == [10, 10]
    assert set(few.tolist()) < set(many.tolist())


def test_label_fraction_then_long_tail() -> None:
    label = labels(100, 100, 40)
    assert counts_of(label, training_subset(rows_by_class(label, range(3)), settings(label_fraction=0.25), NAMES)) == [
        25,
        25,
        10,
    ]
    both = training_subset(rows_by_class(label, range(3)), settings(labels_per_class=40, imbalance=4), NAMES)
    assert counts_of(label, both) == [40, 20, 10]


def test_subset_seed_changes_the_draw() -> None:
    groups = rows_by_class(labels(40, 40), range(2))
    a, b = (training_subset(groups, settings(labels_per_class=5, subset_seed=seed), NAMES).tolist() for seed in (0, 1))
    assert a != b


def test_too_few_images() -> None:
    with pytest.raises(DataError, match="Class class1 has 4 training images"):
        training_subset(rows_by_class(labels(9, 4), range(2)), settings(labels_per_class=5), NAMES)
    with pytest.raises(DataError, match="Class class1 keeps no training image"):
        training_subset(rows_by_class(labels(50, 50), range(2)), settings(imbalance=100), NAMES)
    with pytest.raises(DataError, match="Class class2 keeps no training image"):
        training_subset(rows_by_class(labels(5, 5), range(3)), settings(), NAMES)


def test_classes_by_number_or_name() -> None:
    assert choose_classes(None, NAMES) == list(range(10))
    assert choose_classes([7, "class2"], NAMES) == [7, 2]
    for bad in ([10], ["cat"], [-1]):
        with pytest.raises(ConfigError, match="is not among 0"):
            choose_classes(bad, NAMES)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"write data\.classes=\[3\]"):
        choose_classes(3, NAMES)  # type: ignore[arg-type]
    for bad in ([], [1, "class1"]):
        with pytest.raises(ConfigError, match="none twice"):
            choose_classes(bad, NAMES)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {"val_fraction": 1.0}, {"test_fraction": -0.1}, {"labels_per_class": 5, "label_fraction": 0.5},
        {"labels_per_class": 0}, {"label_fraction": 0.0}, {"imbalance": 0.01},
    ],
)  # fmt: skip
def test_settings_out_of_range(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="data"):
        settings(**given)
