"""What stages and callbacks ask about the images of the opened splits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.core.types import Batch, ImageShape
from sparring.data.mix.base import Mix, Pool
from sparring.data.module.splits import Splits
from sparring.data.serving.provenance import Provenance, Role, check


class OpenedImages:
    """Images, classes and provenance; the read side of `ImageData`.

    Shape legend: N training images in use, n images, C channels, H and W pixels.

    splits: set by `ImageData.setup`.
    pool: images mixed into the batches by `mix`, set by `ImageData.prepare_mix`.
    upstream: provenance of networks that take part in the training.
    """

    splits: Splits
    shape: ImageShape
    batch_size: int
    mix: Mix | None
    pool: Pool | None
    upstream: list[Provenance]

    # -- images and classes --------------------------------------------------------------------------------------------

    @property
    def train_labels(self) -> Tensor:
        """(N,) int64 labels of the training images in use, on the CPU."""
        return self.splits.images["train"].label.cpu()

    @property
    def class_prior(self) -> Tensor:
        """(num_classes,) float32 share of each class among the training images, summing to 1."""
        counts = torch.bincount(self.train_labels, minlength=self.shape.num_classes)
        return counts / counts.sum()

    def train_images(self, indices: Tensor | Sequence[int]) -> Tensor:
        """uint8 (n, C, H, W) at positions 0..len(train)-1 of the training images in use, where they are stored."""
        return self.splits.images["train"].take(torch.as_tensor(indices))[0]

    def whole(self, split: str) -> Batch:
        """All images of "train", "val" or "test" in order, uint8 (N, C, H, W), with their labels, on the CPU."""
        return self.splits.whole(split)

    def real_examples(self, per_class: int) -> Batch:
        """The first `per_class` training images of each class (repeated where fewer), by class, uint8, on the CPU."""
        rows = [(self.train_labels == k).nonzero().flatten() for k in range(self.shape.num_classes)]
        first = torch.cat([row[torch.arange(per_class) % len(row)] for row in rows])
        image, label = self.splits.images["train"].take(first)
        return Batch(image.cpu(), label.cpu())

    @property
    def batch_prior(self) -> Tensor:
        """(num_classes,) expected share of each class in a training batch, images mixed in included."""
        if self.pool is None or self.mix is None:
            return self.class_prior
        counts = torch.bincount(self.pool.images.label.cpu(), minlength=self.shape.num_classes)
        mixed = self.mix.rows(self.batch_size) / self.batch_size
        return (1 - mixed) * self.class_prior + mixed * counts / counts.sum()

    # -- provenance ----------------------------------------------------------------------------------------------------

    def add_upstream(self, records: Sequence[Provenance]) -> None:
        """Note that a network with the provenance `records` takes part in the training.

        Raises:
            DataError: it was trained on images of val or test, or chosen by images of test.
        """
        held_out = {split: self.splits.record(split) for split in ("val", "test")}
        check(held_out, records, self.splits.train_hashes())
        self.upstream += records

    def record(self, split: str, *, role: Role | None = None, labelled: bool = True) -> Provenance:
        """The images of a split as a provenance record; see `Splits.record`."""
        return self.splits.record(split, role=role, labelled=labelled)

    def provenance(self, *, labelled: bool) -> list[Provenance]:
        """Records of all images that a run on this data depends on.

        They are train and val, the pool's own images, and what the networks were trained on that take part or made the pool.

        Args:
            labelled: whether the run uses the labels.
        """
        splits = self.splits
        records = [splits.record("train", labelled=labelled), splits.record("val", labelled=labelled), *self.upstream]
        if "unlabelled" in splits.images:
            records.append(splits.record("unlabelled", labelled=False))
        if self.pool is not None:
            records += self.pool.provenance
            images = self.pool.images
            if images.pixels is splits.unused.pixels and len(splits.unused):  # rows of train, not images made from them
                records.append(splits.record_of(images, labelled=labelled and self.pool.labelled))
        return records

    def fingerprints(self) -> dict[str, str]:
        """sha256 hex of each split, over the bytes of its files and the indices taken from them."""
        mixed = {"mix": self.pool.images.fingerprint} if self.pool is not None else {}
        return {split: images.fingerprint for split, images in self.splits.images.items()} | mixed
