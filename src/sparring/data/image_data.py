"""ImageData, the only data module: any source as train, val and test batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as L
import torch
from torch import Tensor

from sparring.data import augment
from sparring.data.cache import Cache, open_or_create
from sparring.data.decode import FILTERS, Decoder
from sparring.data.mix.base import Context, Mix, Pool, stream, taker
from sparring.data.mix.checked import checked
from sparring.data.seen import Role, Seen, seen_of
from sparring.data.source import Location, Source
from sparring.data.split import SplitSettings, choose_classes, indices
from sparring.data.storage import STORAGE, Images, move, place
from sparring.data.stream import Clock, Drawn, EvalLoader, TrainLoader
from sparring.errors import ConfigError
from sparring.types import UNLABELLED, Batch, ImageShape


class ImageData(L.LightningDataModule):
    """Images of `source` as uint8 batches, normalised and augmented on the device.

    `conf/data/_base.yaml` says what each argument means. Two attributes are set from outside before training: `streams`
    (name -> chunks of `batch_size` images per iteration) and `clock` (read for the position at which to go on).
    Nothing here is saved in checkpoints: every draw is a function of seed, stream and iteration.
    """

    def __init__(
        self,
        *,
        name: str,
        source: Source,
        channels: int,
        image_size: int,
        num_classes: int,
        path: str | None,
        hub_id: str | None,
        hub_config: str | None,
        revision: str | None,
        image_column: str | None,
        label_column: str | None,
        batch_size: int,
        val_fraction: float,
        test_fraction: float,
        split_seed: int,
        classes: Sequence[int | str] | None,
        labels_per_class: int | None,
        label_fraction: float | None,
        imbalance: float | None,
        subset_seed: int,
        flip: bool,
        crop: int,
        resize: str,
        storage: Literal["auto", "memory", "mmap", "device"],
        on_error: Literal["fail", "skip"],
        cache_dir: str,
        mix: Mix | None,
        seed: int,
    ) -> None:
        super().__init__()
        _choice("storage", storage, STORAGE)
        _choice("on_error", on_error, ("fail", "skip"))
        _choice("resize", resize, tuple(FILTERS))
        _choice("channels", channels, (1, 3))
        if batch_size < 1 or image_size < 1 or not 0 <= crop < image_size:
            raise ConfigError(
                f"data.batch_size={batch_size} and data.image_size={image_size} must be at least 1 and data.crop={crop}"
                " from 0 to below the image size."
            )
        self.data_name, self.source, self.seed, self.batch_size = name, source, seed, batch_size
        self.shape = ImageShape(channels, image_size, num_classes)
        self.location = Location(
            Path(path).expanduser().absolute() if path is not None else None,
            hub_id, hub_config, revision, image_column, label_column,
        )  # fmt: skip
        self.split_settings = SplitSettings(
            val_fraction, test_fraction, split_seed, labels_per_class, label_fraction, imbalance, subset_seed
        )
        self.classes, self.flip, self.crop, self.storage = classes, flip, crop, storage
        self.decoder = Decoder(channels, image_size, resize, source.channels, source.image_size, on_error)
        self.cache_dir = Path(cache_dir).expanduser().absolute()
        self.streams: dict[str, int] = {}
        self.clock: Clock | None = None
        self.mix = mix
        self.pool: Pool | None = None
        self._splits: dict[str, Images] = {}

    def prepare_data(self) -> None:
        """Fill the cache, on one process per node."""
        self._cache()

    def setup(self, stage: str | None = None) -> None:
        """Open the cache and choose the images of each split; does nothing the second time."""
        if self._splits:
            return
        cache = self._cache()
        self.origin = cache.meta["origin"] | {"skipped": len(cache.meta["skipped"]), "cache": str(cache.folder)}
        chosen = choose_classes(self.classes, cache.class_names)
        self.class_names = tuple(cache.class_names[k] for k in chosen)
        if len(chosen) != self.shape.num_classes:
            raise ConfigError(
                f"data.num_classes={self.shape.num_classes} but the data has {len(chosen)} classes"
                f" ({', '.join(self.class_names[:10])}): set data.num_classes={len(chosen)}."
            )
        labels = {split: torch.from_numpy(cached.label) for split, cached in cache.splits.items()}
        index, origin = indices(labels, chosen, self.split_settings, cache.class_names)
        relabel = torch.full((len(cache.class_names),), UNLABELLED)
        relabel[chosen] = torch.arange(len(chosen))
        placed = {split: place(cached, relabel, self.storage) for split, cached in cache.splits.items()}
        splits = {split: placed[origin[split]].choose(rows) for split, rows in index.items()}
        available, needed = len(splits["train"]), self.batch_size - (self.mix.rows(self.batch_size) if self.mix else 0)
        if needed > available:
            raise ConfigError(
                f"data.batch_size={self.batch_size} is larger than the {available} training images:"
                f" set data.batch_size={available} or less."
            )
        self._opened, self._cut_from, self._beyond, self._splits = cache, origin, splits.pop("beyond"), splits

    def prepare_mix(self, *, log_dir: Path, extensions: Sequence[str]) -> None:
        """Make the pool that `mix` asks for; after `setup`, before training, and only by who trains.

        Raises what `mix.checked.checked` does.
        """
        if self.mix is None or self.pool is not None:
            return
        train = self._splits["train"]
        context = Context(train, self._beyond, self.shape, self.class_names, self.seed, log_dir, tuple(extensions))
        records = {split: self._record(split) for split in self._splits}
        self.pool = checked(self.mix, context, train=records.pop("train"), judged=records, batch_size=self.batch_size)
        self.origin["mix"] = self.pool.origin

    def _record(self, split: str, *, labelled: bool = True) -> Seen:
        role: Role = "trained" if split == "train" else "selected"
        return seen_of(self._splits[split], self._opened, self._cut_from[split], role=role, labelled=labelled)

    def seen(self, *, labelled: bool) -> list[Seen]:
        """What a run on this data sees: train and val, the pool's own images, and all that the networks behind it saw."""
        found = [self._record("train", labelled=labelled), self._record("val", labelled=labelled)]
        if self.pool is not None:
            found += self.pool.seen
            if not self.pool.foreign and len(self._beyond):
                kept = self.pool.images
                found.append(seen_of(kept, self._opened, "train", labelled=labelled and self.pool.labelled))
        return found

    def _cache(self) -> Cache:
        return open_or_create(
            source=self.source,
            location=self.location,
            name=self.data_name,
            decoder=self.decoder,
            cache_dir=self.cache_dir,
        )

    @property
    def _world_size(self) -> int:
        return self.trainer.world_size if self.trainer is not None else 1

    @property
    def _rank(self) -> int:
        return self.trainer.global_rank if self.trainer is not None else 0

    @property
    def iterations_per_epoch(self) -> int:
        """Iterations in which the first stream passes over the training images once."""
        chunks = next(iter(self.streams.values()), 1)
        return max(1, len(self._splits["train"]) // (self.batch_size * chunks))

    def train_dataloader(self) -> TrainLoader:
        """`iterations_per_epoch` items: {stream: [this rank's share of each chunk]}, uint8."""
        if not self.streams or self.clock is None:
            raise RuntimeError("Set ImageData.streams and ImageData.clock before training; stage/train.py does so.")
        if self.mix is not None and self.pool is None:
            raise RuntimeError("Call ImageData.prepare_mix before training; stage/train.py does so.")
        if self.batch_size % self._world_size:
            raise ConfigError(
                f"data.batch_size={self.batch_size} is the batch of all devices together and cannot be divided by"
                f" {self._world_size} devices: set a multiple of {self._world_size}."
            )
        if self.trainer is not None:  # only now is the device known: `setup` may run before there is a trainer
            self._splits["train"] = move(self._splits["train"], self.storage, self.trainer.strategy.root_device)
        train, share = self._splits["train"], self.batch_size // self._world_size
        return TrainLoader(
            take=taker(train, move(self.pool.images, self.storage, train.pixels.device) if self.pool else None),
            streams={name: stream(name, self.seed, len(train), self.batch_size, self.pool) for name in self.streams},
            chunks=self.streams,
            clock=self.clock,
            iterations=self.iterations_per_epoch,
            rows=slice(self._rank * share, (self._rank + 1) * share),
            flip=self.flip,
            padding=self.crop,
        )

    def val_dataloader(self) -> EvalLoader | list[Any]:
        return self._eval_loader("val")

    def test_dataloader(self) -> EvalLoader | list[Any]:
        return self._eval_loader("test")

    def _eval_loader(self, split: str) -> EvalLoader | list[Any]:
        images = self._splits[split]
        if not len(images):
            return []
        return EvalLoader(images.take, len(images), self.batch_size, self._rank, self._world_size)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """float32 [-1, 1] batches on their device; training batches are flipped and cropped first."""
        if isinstance(batch, dict):
            return {name: [self._in_flight(chunk) for chunk in chunks] for name, chunks in batch.items()}
        return self._in_flight(batch)

    def _in_flight(self, batch: Batch | Drawn) -> Batch:
        image = batch.image
        if isinstance(batch, Drawn):
            image = augment.crop_and_flip(image, batch.corner, batch.mirror, self.crop)
        return Batch(augment.normalise(image), batch.label)

    @property
    def train_labels(self) -> Tensor:
        """(N,) int64 labels of the training images in use, on the CPU."""
        return self._splits["train"].label.cpu()

    @property
    def class_prior(self) -> Tensor:
        """(num_classes,) float32 share of each class among the training images, summing to 1."""
        counts = torch.bincount(self.train_labels, minlength=self.shape.num_classes)
        return counts / counts.sum()

    def train_images(self, indices: Tensor | Sequence[int]) -> Tensor:
        """uint8 (n, C, H, W) at positions 0..len(train)-1 of the training images in use, where they are stored."""
        return self._splits["train"].take(torch.as_tensor(indices))[0]

    def whole(self, split: str) -> Batch:
        """All images of "train", "val" or "test" in order, uint8 (N, C, H, W), with their labels, on the CPU."""
        images = self._splits[split]
        image, label = images.take(torch.arange(len(images)))
        return Batch(image.cpu(), label.cpu())

    def real_examples(self, per_class: int) -> Batch:
        """The first `per_class` training images of each class (repeated where fewer), by class, uint8, on the CPU."""
        rows = [(self.train_labels == k).nonzero().flatten() for k in range(self.shape.num_classes)]
        first = torch.cat([row[torch.arange(per_class) % len(row)] for row in rows])
        image, label = self._splits["train"].take(first)
        return Batch(image.cpu(), label.cpu())

    def fingerprints(self) -> dict[str, str]:
        """sha256 hex of each split, over the bytes of its files and the indices taken from them."""
        mixed = {"mix": self.pool.images.fingerprint} if self.pool is not None else {}
        return {split: images.fingerprint for split, images in self._splits.items()} | mixed


def _choice(key: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise ConfigError(f"data.{key}={value} is not one of {', '.join(map(str, choices))}.")
