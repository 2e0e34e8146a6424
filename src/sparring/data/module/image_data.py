"""ImageData, the only data module: any source as train, val and test batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as L
import numpy as np
import torch
from torch import Tensor

from sparring.core import pixels as augment
from sparring.core.errors import ConfigError
from sparring.core.types import UNLABELLED, Batch, ImageShape
from sparring.data.mix.base import Context, EarlierRuns, Mix, Pool, stream, taker
from sparring.data.mix.pool.checked import checked
from sparring.data.reading.decode import FILTERS, Decoder
from sparring.data.reading.source import Location, Source
from sparring.data.serving.cache import Cache, open_or_create
from sparring.data.serving.provenance import Provenance, Role, check, hashes, provenance_of
from sparring.data.serving.split import SplitSettings, choose_classes, indices
from sparring.data.serving.storage import STORAGE, Images, move, place
from sparring.data.serving.stream import Drawn, EvalLoader, HasIteration, Stream, TrainLoader


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
        value_range: int | None,
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
        if value_range is not None and not 0 < value_range < 2**16:
            raise ConfigError(
                f"data.value_range={value_range} must be from 1 to 65535: the largest value of 16-bit images."
            )
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
        self.decoder = Decoder(channels, image_size, resize, source.channels, source.image_size, on_error, value_range)
        self.cache_dir = Path(cache_dir).expanduser().absolute()
        self.streams: dict[str, int] = {}
        self.clock: HasIteration | None = None
        self.mix = mix
        self.pool: Pool | None = None
        self._behind: list[Provenance] = []
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
        self._beyond = splits.pop("beyond")
        if self.streams.get("unlabelled", 0):
            pool = torch.cat([index["train"], index["beyond"]]).sort().values
            splits["unlabelled"] = placed["train"].choose(pool).without_labels()
            origin["unlabelled"] = "train"
            self.origin |= {"unlabelled": len(pool), "unlabelled_includes_labelled": True}
        self._check_size(splits)
        self._opened, self._cut_from, self._splits = cache, origin, splits

    def _check_size(self, splits: dict[str, Images]) -> None:
        """Every chunk must find its images; those of the stream "labelled" are cut to what there is.

        Without streams the data are only read, and any batch will do.
        """
        needed = self.batch_size - (self.mix.rows(self.batch_size) if self.mix else 0)
        for name in [name for name, chunks in self.streams.items() if chunks and name != "labelled"]:
            available = len(splits["unlabelled" if name == "unlabelled" else "train"])
            if needed > available:
                raise ConfigError(
                    f"data.batch_size={self.batch_size} is larger than the {available} training images:"
                    f" set data.batch_size={available} or less."
                )

    def prepare_mix(self, runs: EarlierRuns) -> None:
        """Make the pool that `mix` asks for; after `setup`, before training, and only by who trains.

        Raises what `mix.pool.checked.checked` does.
        """
        if self.mix is None or self.pool is not None:
            return
        train = self._splits["train"]
        context = Context(train, self._beyond, self.shape, self.class_names, self.seed, runs)
        judged = {split: self.record(split) for split in ("val", "test")}
        self.pool = checked(self.mix, context, train=self.record("train"), judged=judged, batch_size=self.batch_size)
        self.origin["mix"] = self.pool.origin

    def stand_on(self, records: Sequence[Provenance]) -> None:
        """A network that saw `records` takes part in the training. Raises DataError if it saw val or test images."""
        own = np.union1d(self.record("train").hashes, hashes(self._beyond.pixels, self._beyond.rows))
        check({split: self.record(split) for split in ("val", "test")}, records, own)
        self._behind += records

    def record(self, split: str, *, labelled: bool = True) -> Provenance:
        """The images of a split, as `sparring.data.serving.provenance` compares them."""
        role: Role = "trained" if split in ("train", "unlabelled") else "selected"
        return provenance_of(self._splits[split], self._opened, self._cut_from[split], role=role, labelled=labelled)

    def shown(self, split: str) -> Provenance:
        """The images of a split as training images of whatever is made from them."""
        return provenance_of(self._splits[split], self._opened, self._cut_from[split])

    def provenance(self, *, labelled: bool) -> list[Provenance]:
        """What a run on this data sees: train and val, the pool's own images, and all that the networks behind it saw."""
        found = [self.record("train", labelled=labelled), self.record("val", labelled=labelled), *self._behind]
        if "unlabelled" in self._splits:
            found.append(self.record("unlabelled", labelled=False))
        if self.pool is not None:
            found += self.pool.provenance
            kept = self.pool.images
            if kept.pixels is self._beyond.pixels and len(self._beyond):  # rows of train, not images made from them
                found.append(provenance_of(kept, self._opened, "train", labelled=labelled and self.pool.labelled))
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

    def _images_of(self, stream: str) -> Images:
        """The real images that a stream passes over."""
        return self._splits["unlabelled" if stream == "unlabelled" and "unlabelled" in self._splits else "train"]

    @property
    def iterations_per_epoch(self) -> int:
        """Iterations in which the first stream passes over its images once."""
        name, chunks = next(iter(self.streams.items()), ("", 1))
        length = len(self._splits["train"]) + (len(self._beyond) if name == "unlabelled" else 0)
        return max(1, length // (self.batch_size * max(1, chunks)))

    def train_dataloader(self) -> TrainLoader:
        """`iterations_per_epoch` items: {stream: [this rank's share of each chunk]}, uint8."""
        if not self.streams or self.clock is None:
            raise RuntimeError("Set ImageData.streams and ImageData.clock before training; stage/train.py does so.")
        if self.mix is not None and self.pool is None:
            raise RuntimeError("Call ImageData.prepare_mix before training; stage/train.py does so.")
        if self.trainer is not None:  # only now is the device known: `setup` may run before there is a trainer
            for split in {"train", "unlabelled"} & set(self._splits):
                self._splits[split] = move(self._splits[split], self.storage, self.trainer.strategy.root_device)
        pixels = self._splits["train"].pixels
        pool = move(self.pool.images, self.storage, pixels.device) if self.pool else None
        return TrainLoader(
            take={name: taker(self._images_of(name), pool) for name in self.streams},
            streams={name: self._stream(name) for name in self.streams},
            chunks=self.streams,
            clock=self.clock,
            iterations=self.iterations_per_epoch,
            rank=self._rank,
            world_size=self._world_size,
            flip=self.flip,
            padding=self.crop,
        )

    def _stream(self, name: str) -> Stream:
        length = len(self._images_of(name))
        size = min(self.batch_size, length) if name == "labelled" else self.batch_size
        if size % self._world_size:
            given = "is the batch" if size == self.batch_size else f"is cut to the {size} labelled images, the batch"
            raise ConfigError(
                f"data.batch_size={self.batch_size} {given} of all devices together and cannot be divided by"
                f" {self._world_size} devices: set a multiple of {self._world_size}."
            )
        return stream(name, self.seed, length, size, self.pool, self.mix)

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

    @property
    def batch_prior(self) -> Tensor:
        """(num_classes,) expected share of each class in a training batch, images mixed in included."""
        if self.pool is None or self.mix is None:
            return self.class_prior
        counts = torch.bincount(self.pool.images.label.cpu(), minlength=self.shape.num_classes)
        mixed = self.mix.rows(self.batch_size) / self.batch_size
        return (1 - mixed) * self.class_prior + mixed * counts / counts.sum()

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
