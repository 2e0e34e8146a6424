"""ImageData as the stages use it, on scikit-learn's digits and on small made-up data."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as L
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from sklearn.datasets import load_digits
from torch import nn

from sparring.core.errors import ConfigError
from sparring.core.types import Batch, ImageShape
from sparring.data.module.check import check_settings
from sparring.data.serving.stream import RawBatch

Make = Callable[..., Any]


def test_digits_are_scikit_learns(make: Make) -> None:
    data = make("digits", "data.image_size=8", "data.val_fraction=0")
    data.setup()
    digits = load_digits()
    every = np.concatenate([data.splits.images[split].pixels.numpy()[:, 0] for split in ("train", "test")])
    assert sorted(map(bytes, every)) == sorted(bytes(np.rint(x * 255 / 16).astype(np.uint8)) for x in digits.images)
    assert data.shape == ImageShape(channels=1, image_size=8, num_classes=10)
    assert torch.bincount(data.splits.images["test"].label).tolist() == [n // 5 for n in np.bincount(digits.target)]


def test_train_batches_are_normalised_chunks_of_train(make: Make) -> None:
    data = make("digits", "data.batch_size=16")
    data.setup()
    data.streams = {"discriminator": 3, "generator": 1}
    assert data.iterations_per_epoch == len(data.train_labels) // 48 == len(data.train_dataloader())
    raw = next(iter(data.train_dataloader()))
    assert all(isinstance(chunk, Batch) and chunk.image.dtype == torch.uint8 for chunk in raw["discriminator"])
    flying = data.on_after_batch_transfer(raw, 0)
    assert [len(flying[name]) for name in ("discriminator", "generator")] == [3, 1]
    image, label = flying["discriminator"][2]
    assert image.shape == (16, 1, 16, 16)
    assert image.dtype == torch.float32
    assert torch.allclose(image, raw["discriminator"][2].image / 127.5 - 1, atol=1e-6)
    assert label.dtype == torch.int64


def test_unlabelled_stream_is_the_whole_train_split_without_labels(make: Make) -> None:
    plain = make("digits")
    plain.setup()
    data = make("digits", "data.labels_per_class=5", "data.batch_size=64")
    data.streams, data.clock = {"unlabelled": 2, "labelled": 1}, SimpleNamespace(iteration=0)
    data.setup()
    pool = data.splits.images["unlabelled"].rows.tolist()
    assert pool == plain.splits.images["train"].rows.tolist()
    assert set(data.splits.images["train"].rows.tolist()) < set(pool)
    assert data.iterations_per_epoch == len(pool) // 128
    for split in ("val", "test"):
        assert data.fingerprints()[split] == plain.fingerprints()[split]
    assert not set(pool) & set(data.splits.images["val"].rows.tolist())
    assert data.fingerprints()["unlabelled"] not in {data.fingerprints()["train"], plain.fingerprints()["train"]}
    chosen = {bytes(image.numpy()): int(label) for image, label in zip(*data.whole("train"), strict=True)}
    for batch in data.train_dataloader():
        assert all((chunk.label == -1).all() for chunk in batch["unlabelled"])
        (labelled,) = batch["labelled"]
        assert torch.bincount(labelled.label).tolist() == [5] * 10  # all there are
        for image, label in zip(*labelled, strict=True):
            assert chosen[bytes(image.numpy())] == int(label)


def test_labelled_chunks_have_the_batch_size_where_there_are_enough(make: Make) -> None:
    data = make("digits", "data.labels_per_class=10", "data.batch_size=64")
    data.streams, data.clock = {"unlabelled": 0, "labelled": 1}, SimpleNamespace(iteration=0)
    data.setup()
    assert [len(batch["labelled"][0].label) for batch in data.train_dataloader()] == [64] * (1299 // 64)
    assert set(data.fingerprints()) == {"train", "val", "test"}
    data = make("digits", "data.labels_per_class=5", "data.batch_size=64")
    data.streams, data.clock = {"unlabelled": 0, "labelled": 1}, SimpleNamespace(iteration=0)
    data.setup()  # the labels-only arm of a semi-supervised network: its clock counts 64, its batch is all there are
    assert len(next(iter(data.train_dataloader()))["labelled"][0].label) == 50
    data = make("digits", "data.labels_per_class=5", "data.batch_size=64")
    data.streams = {"classifier": 1}
    with pytest.raises(ConfigError, match="batch_size=64 is larger than the 50 training images"):
        data.setup()


def test_augmentation_is_drawn_with_the_batch_and_applied_on_the_device(make: Make) -> None:
    data, plain = make("digits", "data.flip=true", "data.crop=2"), make("digits")
    data.setup()
    plain.setup()
    raw, same = next(iter(data.train_dataloader())), next(iter(plain.train_dataloader()))
    drawn = raw["discriminator"][0]
    assert isinstance(drawn, RawBatch)
    assert torch.equal(drawn.image, same["discriminator"][0].image)
    still = ((drawn.corner == 2).all(dim=1) & ~drawn.mirror).nonzero().flatten()
    image = data.on_after_batch_transfer(raw, 0)["discriminator"][0].image
    assert torch.equal(image[still], plain.on_after_batch_transfer(same, 0)["discriminator"][0].image[still])


def test_two_ranks_see_the_halves_of_one_devices_batch(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(rank: int, world: int) -> Batch:
        data = make("digits", "data.flip=true", "data.crop=2", "data.batch_size=12")
        device = SimpleNamespace(root_device=torch.device("cpu"))
        data.trainer = SimpleNamespace(global_rank=rank, world_size=world, strategy=device)
        data.setup()
        return data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0)["generator"][0]

    whole, halves = first(0, 1), [first(rank, 2) for rank in range(2)]
    assert torch.equal(whole.image, torch.cat([half.image for half in halves]))
    with pytest.raises(ConfigError, match=r"batch_size=12 .* cannot be divided by 5 devices"):
        first(0, 5)


@pytest.mark.parametrize("storage", ["memory", "mmap", "device"])
def test_storage_changes_nothing(make: Make, storage: str) -> None:
    data, auto = make("digits", f"data.storage={storage}"), make("digits")
    data.setup()
    auto.setup()
    a, b = (next(iter(d.train_dataloader()))["generator"][0] for d in (data, auto))
    assert torch.equal(a.image, b.image)
    assert data.fingerprints() == auto.fingerprints()


def test_number_of_classes_follows_the_choice() -> None:
    importlib.import_module("sparring.config.class_count")
    config = OmegaConf.create({"classes": None, "num_classes": "${count_classes:${.classes},10}"})
    assert config.num_classes == 10
    config.classes = [0, "cat", 2]
    assert config.num_classes == 3


def test_channels_and_size_follow_the_configuration(make: Make) -> None:
    data = make("digits", "data.channels=3", "data.image_size=20")
    data.setup()
    image = data.train_images([0, 1])
    assert image.shape == (2, 3, 20, 20)
    assert torch.equal(image[:, 0], image[:, 2])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.batch_size=5000", "batch_size=5000 is larger than the 1299 training images"),
        ("data.num_classes=9", "num_classes=9 but the data has 10 classes"),
        ("data.classes=[0,10]", "names 10, which is not among"),
        ("data.storage=gpu", "storage=gpu is not one of auto, memory, mmap, device"),
        ("data.on_error=ignore", "on_error=ignore is not one of fail, skip"),
        ("data.resize=nice", "resize=nice is not one of nearest"),
        ("data.channels=4", "channels=4 is not one of 1, 3"),
        ("data.batch_size=0", "must be at least 1"),
        ("data.crop=16", "below the image size"),
        ("data.path=/tmp", "data=digits is part of scikit-learn"),
    ],
)
def test_wrong_settings_are_one_sentence(make: Make, override: str, message: str) -> None:
    with pytest.raises(Exception, match=message) as raised:
        make("digits", override).setup()
    error = raised.value if isinstance(raised.value, ConfigError) else raised.value.__cause__  # instantiate wraps it
    assert isinstance(error, ConfigError)


def test_training_needs_streams_and_a_clock(make: Make) -> None:
    data = make("digits")
    data.setup()
    data.clock = None
    with pytest.raises(RuntimeError, match="streams"):
        data.train_dataloader()


class _Player(L.LightningModule):
    """Records what Lightning hands to the step."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.weight = nn.Parameter(torch.zeros(1))
        self.images: list[torch.Tensor] = []
        self.validated = 0

    def training_step(self, batch: dict[str, list[Batch]], batch_idx: int) -> None:
        self.images.append(batch["discriminator"][0].image)
        self.trainer.datamodule.clock.iteration += 1

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.validated += len(batch.image)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_lightning_runs_epoch_after_epoch(make: Make, tmp_path: Path) -> None:
    data, player = make("digits", "data.batch_size=433"), _Player()  # 3 iterations an epoch
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(player, datamodule=data)
    assert len(player.images) == 6
    assert player.validated == 2 * 143 + 143  # the sanity check sees them once more
    fresh = make("digits", "data.batch_size=433")
    fresh.setup()
    fresh.clock.iteration = 4
    again = fresh.on_after_batch_transfer(next(iter(fresh.train_dataloader())), 0)
    assert torch.equal(player.images[4], again["discriminator"][0].image)


@pytest.mark.parametrize("name", ["../../x", "/x", "a/b", "..", ".x", "", "a\x1b[2J", "a\0"])
def test_a_name_does_not_lead_out_of_the_cache(name: str) -> None:
    settings: dict[str, Any] = {
        "channels": 1, "native": 1, "image_size": 8, "native_size": 8, "batch_size": 4, "crop": 0, "resize": "box",
        "value_range": None, "storage": "auto", "on_error": "fail", "on_duplicates": "warn",
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"data\.name="):
        check_settings(name=name, **settings)
