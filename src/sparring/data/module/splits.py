"""The splits of an opened cache: which of its images each one has, and what of them is recorded as provenance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from sparring.core.errors import ConfigError
from sparring.core.randomness import generator
from sparring.core.types import UNLABELLED, Batch
from sparring.data.serving.cache import Cache
from sparring.data.serving.duplicates import Duplicates, settle
from sparring.data.serving.provenance import Provenance, Role, hashes, provenance_of
from sparring.data.serving.split import SplitSettings, choose_classes, split_rows
from sparring.data.serving.storage import Images, load_images


@dataclass(frozen=True)
class Splits:
    """Images by split.

    Args:
        cache: where the images are stored.
        class_names: in label order.
        images: train, val, test, and perhaps unlabelled: all training images without their labels.
        unused: training images that the subset of labels leaves out.
        stored_in: split of the cache that the rows of each split belong to.
        duplicates: how many images there are twice.
    """

    cache: Cache
    class_names: tuple[str, ...]
    images: dict[str, Images]
    unused: Images
    stored_in: dict[str, str]
    duplicates: Duplicates

    def whole(self, split: str) -> Batch:
        """All images of a split in order, uint8 (N, C, H, W), with their labels (N,) int64, on the CPU."""
        images = self.images[split]
        image, label = images.take(torch.arange(len(images)))
        return Batch(image.cpu(), label.cpu())

    def record(self, split: str, *, role: Role | None = None, labelled: bool = True) -> Provenance:
        """The images of a split as a provenance record.

        Args:
            role: None: "trained" for training images, "selected" for val and test.
            labelled: whether their labels are used.
        """
        default: Role = "trained" if split in ("train", "unlabelled") else "selected"
        return provenance_of(
            self.images[split], self.cache, self.stored_in[split], role=role or default, labelled=labelled
        )

    def record_of(self, images: Images, *, labelled: bool) -> Provenance:
        """Some rows of the stored train split as a provenance record of training images."""
        return provenance_of(images, self.cache, "train", labelled=labelled)

    def whole_train(self, by: str) -> Provenance:
        """The whole stored train split with its labels, as the record of `by`, which was trained on it."""
        every = replace(self.unused, rows=torch.arange(len(self.unused.pixels)))
        return replace(self.record_of(every, labelled=True), by=by)

    def cut_from_train(self) -> tuple[str, ...]:
        """Which of val and test are a part of the stored train split."""
        return tuple(split for split in ("val", "test") if self.stored_in[split] == "train" and len(self.images[split]))

    def train_hashes(self) -> np.ndarray:
        """(n,) uint64 of all images of the train split, in use or not."""
        return np.union1d(self.record("train").hashes, hashes(self.unused.pixels, self.unused.rows))


def open_splits(
    cache: Cache,
    *,
    classes: Sequence[int | str] | None,
    num_classes: int,
    settings: SplitSettings,
    storage: str,
    unlabelled: bool,
    on_duplicates: str,
) -> Splits:
    """Choose the images of each split.

    Args:
        cache: opened.
        classes: numbers or names in their new order, None for all.
        num_classes: how many there must be.
        settings: how the splits are cut.
        storage: where pixels are kept, one of `storage.STORAGE`.
        on_duplicates: as `serving.duplicates.settle` takes it.
        unlabelled: whether there is a split of all training images without their labels.

    Raises:
        ConfigError: unknown classes, or another number of them. DataError: a class with too few images.
    """
    chosen = choose_classes(classes, cache.class_names)
    names = tuple(cache.class_names[k] for k in chosen)
    if len(chosen) != num_classes:
        raise ConfigError(
            f"data.num_classes={num_classes} but the data has {len(chosen)} classes"
            f" ({', '.join(names[:10])}): set data.num_classes={len(chosen)}."
        )
    labels = {split: torch.from_numpy(cached.label) for split, cached in cache.splits.items()}
    rows, stored_in = split_rows(labels, chosen, settings, cache.class_names)
    relabel = torch.full((len(cache.class_names),), UNLABELLED)
    relabel[chosen] = torch.arange(len(chosen))
    stored = {split: load_images(cached, relabel, storage) for split, cached in cache.splits.items()}
    images = {split: stored[stored_in[split]].with_rows(each) for split, each in rows.items()}
    images, found = settle(images, on_duplicates)
    unused = images.pop("unused")
    if settings.permuted_labels:
        images["train"] = with_permuted_labels(images["train"], settings.subset_seed)
    if unlabelled:
        every = torch.cat([images["train"].rows, unused.rows]).sort().values
        images["unlabelled"] = stored["train"].with_rows(every).without_labels()
        stored_in["unlabelled"] = "train"
    return Splits(cache, names, images, unused, stored_in, found)


def with_permuted_labels(images: Images, seed: int) -> Images:
    """The same images, each with the label of another one; every class keeps its number of images."""
    order = torch.randperm(len(images), generator=generator("permuted labels", seed))
    return replace(images, label=images.label[order.to(images.label.device)])
