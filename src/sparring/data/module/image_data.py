"""ImageData, the only data module: any source as train, val and test batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as L

from sparring.core import pixels as augment
from sparring.core.errors import ConfigError
from sparring.core.types import Batch, ImageShape
from sparring.data.mix.base import Context, EarlierRuns, Mix, Pool, reader_of, stream_of
from sparring.data.mix.pool.checked import checked
from sparring.data.module.check import check_settings
from sparring.data.module.splits import Splits, open_splits
from sparring.data.module.views import OpenedImages
from sparring.data.reading.decode import Decoder
from sparring.data.reading.source import Location, Source
from sparring.data.serving.cache import Cache, open_or_create
from sparring.data.serving.provenance import Provenance
from sparring.data.serving.split import SplitSettings
from sparring.data.serving.storage import Images, to_device
from sparring.data.serving.stream import EvalLoader, HasIteration, RawBatch, Stream, TrainLoader


class ImageData(OpenedImages, L.LightningDataModule):
    """Images of `source` as uint8 batches, normalised and augmented on the device.

    `conf/data/_base.yaml` says what each argument means. Two attributes are set from outside before training: `streams`
    (name -> chunks of `batch_size` images per iteration) and `clock` (read for the position at which to go on).
    Nothing here is saved in checkpoints: every draw is a function of seed, stream and iteration.

    Raises:
        ConfigError: a setting out of range.
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
        permuted_labels: bool = False,
        flip: bool,
        crop: int,
        resize: str,
        value_range: int | None,
        storage: Literal["auto", "memory", "mmap", "device"],
        window: int | None = None,
        on_error: Literal["fail", "skip"],
        on_duplicates: Literal["warn", "drop", "fail"] = "warn",
        cache_dir: str,
        mix: Mix | None,
        seed: int,
    ) -> None:
        super().__init__()
        check_settings(
            name=name, channels=channels, native=source.channels, image_size=image_size, batch_size=batch_size, crop=crop,
            resize=resize, value_range=value_range, storage=storage, window=window, on_error=on_error,
            on_duplicates=on_duplicates, native_size=source.image_size,
        )  # fmt: skip
        self.data_name, self.source, self.seed, self.batch_size = name, source, seed, batch_size
        self.shape = ImageShape(channels, image_size, num_classes)
        self.location = Location(
            Path(path).expanduser().absolute() if path is not None else None,
            hub_id, hub_config, revision, image_column, label_column,
        )  # fmt: skip
        self.split_settings = SplitSettings(
            val_fraction, test_fraction, split_seed, labels_per_class, label_fraction, imbalance, subset_seed, permuted_labels
        )  # fmt: skip
        self.classes, self.flip, self.crop, self.storage = classes, flip, crop, storage
        self.on_duplicates, self.window = on_duplicates, window
        self.decoder = Decoder(channels, image_size, resize, source.channels, source.image_size, on_error, value_range)
        self.cache_dir = Path(cache_dir).expanduser().absolute()
        self.streams: dict[str, int] = {}
        self.clock: HasIteration | None = None
        self.mix = mix
        self.pool: Pool | None = None
        self.upstream: list[Provenance] = []

    # -- set-up --------------------------------------------------------------------------------------------------------

    def prepare_data(self) -> None:
        """Fill the cache, on one process per node."""
        self._cache()

    def setup(self, stage: str | None = None) -> None:
        """Open the cache and choose the images of each split; does nothing the second time.

        Raises:
            ConfigError: unknown classes or too large a batch. DataError: bad input, or a class with too few images.
        """
        if hasattr(self, "splits"):
            return
        cache = self._cache()
        splits = open_splits(
            cache, classes=self.classes, num_classes=self.shape.num_classes, settings=self.split_settings,
            storage=self.storage, unlabelled=bool(self.streams.get("unlabelled", 0)), on_duplicates=self.on_duplicates,
        )  # fmt: skip
        self._check_batch_size(splits)
        self.origin = cache.meta["origin"] | {"skipped": len(cache.meta["skipped"]), "cache": str(cache.folder)}
        self.origin["duplicates"] = splits.duplicates.record()
        if "unlabelled" in splits.images:
            self.origin |= {"unlabelled": len(splits.images["unlabelled"]), "unlabelled_includes_labelled": True}
        self.class_names, self.splits = splits.class_names, splits

    def _check_batch_size(self, splits: Splits) -> None:
        """Every chunk must have its images; those of the stream "labelled" are cut to what there is.

        Without streams the data are only read, and any batch will do.
        """
        needed = self.batch_size - (self.mix.rows(self.batch_size) if self.mix else 0)
        for name in [name for name, chunks in self.streams.items() if chunks and name != "labelled"]:
            available = len(splits.images["unlabelled" if name == "unlabelled" else "train"])
            if needed > available:
                raise ConfigError(
                    f"data.batch_size={self.batch_size} is larger than the {available} training images:"
                    f" set data.batch_size={available} or less."
                )

    def _cache(self) -> Cache:
        return open_or_create(
            source=self.source,
            location=self.location,
            name=self.data_name,
            decoder=self.decoder,
            cache_dir=self.cache_dir,
        )

    def prepare_mix(self, runs: EarlierRuns) -> None:
        """Make the pool that `mix` asks for; after `setup`, before training, and only where the data are trained on.

        Raises:
            ConfigError, CheckpointError, DataError: as `mix.pool.checked.checked`.
        """
        if self.mix is None or self.pool is not None:
            return
        splits = self.splits
        context = Context(
            splits.images["train"], splits.unused, self.shape, self.class_names, self.seed, runs, splits.whole_train,
            splits.cut_from_train(),
        )  # fmt: skip
        held_out = {split: splits.record(split) for split in ("val", "test")}
        self.pool = checked(
            self.mix, context, train=splits.record("train"), held_out=held_out, batch_size=self.batch_size
        )
        self.origin["mix"] = self.pool.origin

    # -- batches -------------------------------------------------------------------------------------------------------

    @property
    def _world_size(self) -> int:
        return self.trainer.world_size if self.trainer is not None else 1

    @property
    def _rank(self) -> int:
        return self.trainer.global_rank if self.trainer is not None else 0

    def _images_of(self, stream: str) -> Images:
        """The real images that a stream passes over."""
        images = self.splits.images
        return images["unlabelled" if stream == "unlabelled" and "unlabelled" in images else "train"]

    @property
    def iterations_per_epoch(self) -> int:
        """Iterations in which the first stream passes over its images once."""
        name, chunks = next(iter(self.streams.items()), ("", 1))
        length = len(self.splits.images["train"]) + (len(self.splits.unused) if name == "unlabelled" else 0)
        return max(1, length // (self.batch_size * max(1, chunks)))

    def train_dataloader(self) -> TrainLoader:
        """`iterations_per_epoch` items: {stream: [this rank's share of each chunk]}, uint8."""
        if not self.streams or self.clock is None:
            raise RuntimeError("Set ImageData.streams and ImageData.clock before training; stage/train.py does so.")
        if self.mix is not None and self.pool is None:
            raise RuntimeError("Call ImageData.prepare_mix before training; stage/train.py does so.")
        images = self.splits.images
        if self.trainer is not None:  # `setup` may run before there is a trainer, which knows the device
            for split in {"train", "unlabelled"} & set(images):
                images[split] = to_device(images[split], self.storage, self.trainer.strategy.root_device)
        pool = to_device(self.pool.images, self.storage, images["train"].pixels.device) if self.pool else None
        return TrainLoader(
            take={name: reader_of(self._images_of(name), pool) for name in self.streams},
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
        return stream_of(name, self.seed, length, size, self.window, self.pool, self.mix)

    def val_dataloader(self) -> EvalLoader | list[Any]:
        """Batches of val in order, uint8; none without a val split."""
        return self._eval_loader("val")

    def test_dataloader(self) -> EvalLoader | list[Any]:
        """Batches of test in order, uint8; none without a test split."""
        return self._eval_loader("test")

    def _eval_loader(self, split: str) -> EvalLoader | list[Any]:
        images = self.splits.images[split]
        if not len(images):
            return []
        return EvalLoader(images.take, len(images), self.batch_size, self._rank, self._world_size)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """float32 [-1, 1] batches on their device; training batches are flipped and cropped first."""
        if isinstance(batch, dict):
            return {name: [self._normalised(chunk) for chunk in chunks] for name, chunks in batch.items()}
        return self._normalised(batch)

    def _normalised(self, batch: Batch | RawBatch) -> Batch:
        image = batch.image
        if isinstance(batch, RawBatch):
            image = augment.crop_and_flip(image, batch.corner, batch.mirror, self.crop)
        return Batch(augment.normalise(image), batch.label)
