"""Which images are train, val and test, and which of train are used: index arithmetic on labels, stratified, seeded.

A class's draw depends on the seed and on that class alone, so choosing classes or fewer labels keeps the others' draws:
ten labels per class are among the hundred of the same seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.core.randomness import generator


@dataclass(frozen=True)
class SplitSettings:
    """The keys of `conf/data/_base.yaml` that choose images; fractions are of each class.

    Raises:
        ConfigError: a number out of range, or two keys that exclude each other.
    """

    val_fraction: float
    test_fraction: float
    split_seed: int
    labels_per_class: int | None
    label_fraction: float | None
    imbalance: float | None
    subset_seed: int
    permuted_labels: bool = False

    def __post_init__(self) -> None:
        for key in ("val_fraction", "test_fraction"):
            if not 0 <= getattr(self, key) < 1:
                raise ConfigError(f"data.{key}={getattr(self, key)} is no fraction: give a number from 0 to below 1.")
        if self.labels_per_class is not None and self.label_fraction is not None:
            raise ConfigError("data.labels_per_class and data.label_fraction exclude each other: give one of them.")
        if self.labels_per_class is not None and self.labels_per_class < 1:
            raise ConfigError(f"data.labels_per_class={self.labels_per_class} leaves no image: give 1 or more.")
        if self.label_fraction is not None and not 0 < self.label_fraction <= 1:
            raise ConfigError(f"data.label_fraction={self.label_fraction} must be above 0 and at most 1.")
        if self.imbalance is not None and self.imbalance < 1:
            raise ConfigError(f"data.imbalance={self.imbalance} must be 1 or more: the largest class / the smallest.")


def choose_classes(classes: Sequence[int | str] | None, class_names: Sequence[str]) -> list[int]:
    """Original class numbers in their new order, from numbers or names; ConfigError for an unknown or repeated one."""
    if classes is None:
        return list(range(len(class_names)))
    if isinstance(classes, int | str):
        raise ConfigError(f"data.classes={classes} must be a list: write data.classes=[{classes}].")
    chosen = []
    for given in classes:
        if isinstance(given, str) and given in class_names:
            chosen.append(list(class_names).index(given))
        elif not isinstance(given, str) and 0 <= given < len(class_names):
            chosen.append(int(given))
        else:
            known = f"0..{len(class_names) - 1} or {', '.join(class_names)}"
            raise ConfigError(f"data.classes names {given!r}, which is not among {known}.")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigError(f"data.classes={list(classes)} must name at least one class and none twice.")
    return chosen


def rows_by_class(labels: Tensor, classes: Sequence[int]) -> dict[int, Tensor]:
    """Rows of each chosen class, ascending; labels (N,) int64."""
    return {k: (labels == k).nonzero().flatten() for k in classes}


def holdout(
    groups: dict[int, Tensor], fraction: float, purpose: str, seed: int, names: Sequence[str]
) -> tuple[dict[int, Tensor], Tensor]:
    """Hold out round(fraction * n) images, at least one, of every class.

    Args:
        groups: rows of each class.
        fraction: 0 to below 1; 0 holds out nothing.
        purpose: "val" or "test"; with `seed` it determines the draw.
        seed: of the split.
        names: of the classes, for messages.

    Returns:
        The rows of each class that stay, and the rows held out, ascending.

    Raises:
        DataError: a class would not keep an image.
    """
    if fraction == 0:
        return groups, torch.empty(0, dtype=torch.int64)
    stay, held_out = {}, []
    for k, index in groups.items():
        count = max(1, round(fraction * len(index)))
        if count >= len(index):
            raise DataError(
                f"Class {names[k]} has {len(index)} images, too few to hold out data.{purpose}_fraction={fraction}:"
                f" add images, leave the class out with data.classes, or set data.{purpose}_fraction=0."
            )
        order = index[torch.randperm(len(index), generator=generator(purpose, seed, k))]
        held_out.append(order[:count])
        stay[k] = order[count:].sort().values
    return stay, torch.cat(held_out).sort().values


def split_rows(
    labels: dict[str, Tensor], chosen: Sequence[int], settings: SplitSettings, names: Sequence[str]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Which rows each split has.

    Args:
        labels: (N,) int64 of each stored split, "train", and perhaps "val" and "test", which are otherwise cut from train.
        chosen: classes.
        settings: how the splits are cut.
        names: of the classes, for messages.

    Returns:
        Rows of train, val, test and "unused" (training images that the subset leaves out), and for each the stored split
        that they belong to.

    Raises:
        DataError: a class with too few images.
    """
    groups = rows_by_class(labels["train"], chosen)
    if "test" in labels:
        test = torch.cat(list(rows_by_class(labels["test"], chosen).values())).sort().values
    else:
        groups, test = holdout(groups, settings.test_fraction, "test", settings.split_seed, names)
    if "val" in labels:
        val = torch.cat(list(rows_by_class(labels["val"], chosen).values())).sort().values
    else:
        groups, val = holdout(groups, settings.val_fraction, "val", settings.split_seed, names)
    train, every = training_subset(groups, settings, names), torch.cat(list(groups.values())).sort().values
    rows = {"train": train, "val": val, "test": test, "unused": every[~torch.isin(every, train)]}
    own = {split: split for split in ("val", "test") if split in labels}
    return rows, dict.fromkeys(rows, "train") | own


def training_subset(groups: dict[int, Tensor], settings: SplitSettings, names: Sequence[str]) -> Tensor:
    """Rows, ascending, of the training images that `settings` keeps: labels per class or a fraction, then the long tail.

    The long tail keeps n_max * ratio^(-k / (K - 1)) of the k-th class (Cui et al. 2019, section 5.1), rounded down.

    Args:
        groups: rows of each class.
        settings: which of them to keep.
        names: of the classes, for messages.

    Raises:
        DataError: a class keeps no image, or has fewer than are asked for.
    """
    counts = {k: _wanted(len(index), settings, names[k]) for k, index in groups.items()}
    if settings.imbalance is not None:
        largest, last = max(counts.values()), max(1, len(counts) - 1)
        tail = (largest * settings.imbalance ** (-position / last) for position in range(len(counts)))
        counts = {k: min(counts[k], int(keep + 1e-6)) for k, keep in zip(counts, tail, strict=True)}
    kept = []
    for k, index in groups.items():
        if counts[k] == 0:
            raise DataError(f"Class {names[k]} keeps no training image: add images, or ask for more of them.")
        order = torch.randperm(len(index), generator=generator("subset", settings.subset_seed, k))
        kept.append(index[order[: counts[k]]])
    return torch.cat(kept).sort().values


def _wanted(available: int, settings: SplitSettings, name: str) -> int:
    if settings.labels_per_class is not None:
        if settings.labels_per_class > available:
            raise DataError(
                f"Class {name} has {available} training images:"
                f" set data.labels_per_class to that or less, not {settings.labels_per_class}."
            )
        return settings.labels_per_class
    if settings.label_fraction is not None:
        return max(1, round(settings.label_fraction * available)) if available else 0
    return available
