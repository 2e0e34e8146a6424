"""Mixed data: what is in a batch, and what each source puts into its pool."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra.errors import InstantiationException
from sklearn.covariance import ledoit_wolf_shrinkage

from sparring.core.errors import ConfigError, DataError
from sparring.core.pixels import crop_and_flip
from sparring.core.randomness import generator
from sparring.data.mix.base import MixedStream
from sparring.data.mix.gaussian import drawn, estimated_shrinkage
from sparring.data.mix.pool.filter import acceptance, top_share
from sparring.data.mix.pool.filter import check as check_filter
from sparring.data.serving.stream import RawBatch, Stream
from sparring.trained.runs import Runs
from sparring.trained.scorer import RunScorers

Make = Callable[..., Any]


def opened(make: Make, *overrides: str) -> Any:
    data = make("digits", "data.image_size=8", *overrides)
    data.setup()
    data.prepare_mix(RunScorers(Runs(Path("unused"))))
    return data


def test_stream_longer_than_its_images_runs_over_several_epochs() -> None:
    stream = Stream("s", 0, 5, 12)
    flat = torch.cat([Stream("s", 0, 5, 12).chunk(i) for i in range(5)])
    assert torch.equal(flat.view(12, 5).sort(1).values, torch.arange(5).expand(12, 5))
    assert torch.equal(stream.chunk(3), flat[36:48])


@pytest.mark.parametrize(("batch", "mixed"), [(10, 5), (7, 3), (4, 0), (6, 6)])
def test_every_chunk_has_exactly_its_share(batch: int, mixed: int) -> None:
    blend = MixedStream("classifier", 3, 20, batch, pool=4, mixed=mixed)
    chunks = [blend.chunk(i) for i in range(30)]
    assert all(len(chunk) == batch and int((chunk >= 20).sum()) == mixed for chunk in chunks)
    real = [chunk[chunk < 20].sort().values for chunk in chunks]
    alone = Stream("classifier", 3, 20, batch - mixed)
    assert all(torch.equal(positions, alone.chunk(i).sort().values) for i, positions in enumerate(real))
    if mixed:
        drawn_rows = torch.cat([chunk[chunk >= 20] for chunk in chunks])
        counts = torch.bincount(drawn_rows - 20, minlength=4)
        assert counts.max() - counts.min() <= 1
    places = torch.stack([chunk >= 20 for chunk in chunks]).float().mean(0)
    assert mixed in (0, batch) or (places > 0).all()  # anywhere in the batch, so that every device gets some


def test_batches_hold_the_pool_and_are_augmented_alike(make: Make) -> None:
    keys = ["data/mix=gaussian", "data.mix.fraction=0.25", "data.batch_size=16", "data.flip=true", "data.crop=1"]
    data = opened(make, *keys)
    pool = {bytes(image.numpy()) for image in data.pool.images.pixels}
    real = {bytes(image.numpy()) for image in data.whole("train").image}
    assert not pool & real
    for batch, _ in zip(data.train_dataloader(), range(3), strict=False):
        (chunk,) = batch["discriminator"]
        assert isinstance(chunk, RawBatch)
        kinds = [bytes(image.numpy()) in pool for image in chunk.image]
        assert sum(kinds) == 4
        assert all(bytes(image.numpy()) in real for image, made in zip(chunk.image, kinds, strict=True) if not made)
        assert len(set(map(tuple, chunk.corner.tolist()))) > 1
        flying = data.on_after_batch_transfer(batch, 0)["discriminator"][0].image
        cut = crop_and_flip(chunk.image, chunk.corner, chunk.mirror, 1)
        torch.testing.assert_close(flying, cut.float() / 127.5 - 1)


def test_labels_stay_with_their_images(make: Make) -> None:
    data = opened(make, "data/mix=more_real", "data.labels_per_class=10", "data.batch_size=32")
    full = opened(make)
    whole = full.whole("train")
    truth = {bytes(image.numpy()): int(y) for image, y in zip(whole.image, whole.label, strict=True)}
    chunk = next(iter(data.train_dataloader()))["generator"][0]
    assert [truth[bytes(image.numpy())] for image in chunk.image] == chunk.label.tolist()


def test_more_real_is_the_rest_of_train(make: Make) -> None:
    data, full = opened(make, "data/mix=more_real", "data.labels_per_class=10"), opened(make)
    used, rest = data.splits.images["train"].rows, data.pool.images.rows
    assert len(used) == 100
    assert torch.equal(torch.cat([used, rest]).sort().values, full.splits.images["train"].rows)
    assert data.origin["mix"]["count"] == len(rest)
    assert sum(data.origin["mix"]["per_class"]) == len(rest)
    with pytest.raises(ConfigError, match=r"all are in use: set data\.labels_per_class"):
        opened(make, "data/mix=more_real")


def test_replay_balances_the_classes_with_real_images(make: Make) -> None:
    data = opened(make, "data/mix=replay", "data.imbalance=10", "data.labels_per_class=50")
    assert data.origin["mix"]["per_class"] == [50] * 10
    train, pool = data.splits.images["train"], data.pool.images
    assert set(pool.rows.tolist()) == set(train.rows.tolist())
    truth = dict(zip(train.rows.tolist(), train.label.tolist(), strict=True))
    assert [truth[row] for row in pool.rows.tolist()] == pool.label.tolist()
    plain = opened(make, "data/mix=replay", "data.mix.balanced=false", "data.imbalance=10", "data.labels_per_class=50")
    assert torch.equal(plain.pool.images.rows, train.rows)


def test_gaussian_has_the_moments_of_its_definition() -> None:
    random = np.random.default_rng(0)
    root = random.normal(size=(6, 6)) * 4
    flat = torch.from_numpy(random.normal(size=(40, 6)) @ root + 128)
    share = 0.3
    images = drawn(flat, share, 200_000, generator("test", 0)).double()
    sample = torch.from_numpy(np.cov(flat.numpy().T, bias=True))
    expected = (1 - share) * sample + share * sample.diagonal().mean() * torch.eye(6, dtype=torch.float64)
    torch.testing.assert_close(images.mean(0), flat.mean(0), atol=0.2, rtol=0)
    scale = float(expected.diagonal().mean())
    assert float((torch.cov(images.T) - expected).abs().max()) < 0.02 * scale + 1 / 12  # rounding adds 1/12


def test_gaussian_pool_is_per_class_seeded_and_clamped(make: Make) -> None:
    keys = ["data/mix=gaussian", "data.labels_per_class=20", "data.mix.per_class=30"]
    one, two, other = opened(make, *keys), opened(make, *keys), opened(make, *keys, "data.seed=5")
    assert one.origin["mix"]["per_class"] == [30] * 10
    assert one.pool.images.fingerprint == two.pool.images.fingerprint != other.pool.images.fingerprint
    assert one.fingerprints()["mix"] == one.pool.images.fingerprint
    zeros = one.pool.images.pixels[one.pool.images.label == 0].float().mean(0)
    train = one.whole("train")
    distance = [float((zeros - train.image[train.label == k].float().mean(0)).norm()) for k in range(10)]
    assert distance.index(min(distance)) == 0
    with pytest.raises(DataError, match="a Gaussian needs 2"):
        opened(make, "data/mix=gaussian", "data.labels_per_class=1", "data.batch_size=8")


def test_shrinkage_is_full_for_white_noise_and_small_for_many_samples() -> None:
    random = np.random.default_rng(0)
    few = torch.from_numpy(random.normal(size=(10, 50)))
    many = torch.from_numpy(random.normal(size=(5000, 4)) * np.array([1, 2, 4, 8]))
    assert estimated_shrinkage(few) > 0.7
    assert estimated_shrinkage(many) < 0.01
    for each in (few, many, few[:, :3]):  # fewer images than pixels, and more
        assert estimated_shrinkage(each) == pytest.approx(ledoit_wolf_shrinkage(each.numpy()))


def test_fraction_is_checked(make: Make) -> None:
    for value in ("-0.1", "1.5"):
        with pytest.raises(InstantiationException, match=r"data\.mix\.fraction"):
            make("digits", "data/mix=replay", f"data.mix.fraction={value}")
    with pytest.raises(ConfigError, match="rounds to no image"):
        opened(make, "data/mix=replay", "data.mix.fraction=0.001")
    only = opened(make, "data/mix=gaussian", "data.mix.fraction=1")
    chunk = next(iter(only.train_dataloader()))["generator"][0]
    real = {bytes(image.numpy()) for image in only.whole("train").image}
    assert not any(bytes(image.numpy()) in real for image in chunk.image)


def test_few_labels_keep_their_share_of_a_smaller_chunk(make: Make) -> None:
    keys = ["data/mix=gaussian", "data.mix.fraction=0.5", "data.labels_per_class=2", "data.batch_size=40"]
    data = make("digits", *keys)
    data.streams = {"labelled": 1}
    data.setup()
    data.prepare_mix(RunScorers(Runs(Path("unused"))))
    (chunk,) = next(iter(data.train_dataloader()))["labelled"]
    real = {bytes(image.numpy()) for image in data.whole("train").image}
    assert sum(bytes(image.numpy()) in real for image in chunk.image) == len(chunk.image) / 2 == 10


def test_training_without_the_pool_is_an_error(make: Make) -> None:
    data = make("digits", "data/mix=replay")
    data.setup()
    with pytest.raises(RuntimeError, match="prepare_mix"):
        data.train_dataloader()


def test_acceptance_is_the_papers_formula() -> None:
    logit = torch.tensor([0.0, 1.0, 2.0, 3.0])
    raw = [d - 3 - np.log(1 - np.exp(d - 3 - 1e-8)) for d in logit.tolist()]
    gamma = np.percentile(raw, 80)
    expected = [1 / (1 + np.exp(-(value - gamma))) for value in raw]
    torch.testing.assert_close(acceptance(logit, 80), torch.tensor(expected, dtype=torch.float32))
    assert float(acceptance(torch.randn(1000, generator=generator("d", 0)), 80).mean()) < 0.5


def test_top_share_counts_per_class() -> None:
    score = torch.tensor([0.1, 0.9, 0.5, 0.7, 0.2, 0.3])
    label = torch.tensor([0, 0, 0, 0, 1, 1])
    among = torch.tensor([True, False, True, True, True, True])
    assert top_share(score, label, among, 0.67).tolist() == [False, False, True, True, False, True]
    assert top_share(score, label, among, 0.01).tolist() == [False, False, False, True, False, True]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confidence": 0.9}, "confidence needs"),
        ({"rejection": 80}, "rejection needs"),
        ({"top": 0.5}, "top ranks by one network"),
        ({"classifier": "run"}, "filters nothing alone"),
        ({"discriminator": "run"}, "filters nothing alone"),
        ({"classifier": "run", "confidence": 1.5}, "confidence=1.5 must be"),
        ({"tau": 1}, "tau is unknown"),
    ],
)
def test_filter_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_filter(settings)


def test_a_stream_cut_to_its_labels_keeps_the_share(make: Make) -> None:
    data = make("digits", "data/mix=gaussian", "data.mix.fraction=0.6", "data.labels_per_class=2", "data.batch_size=40")
    data.streams = {"unlabelled": 1, "labelled": 1}
    data.setup()
    data.prepare_mix(RunScorers(Runs(Path("unused"))))
    batch = next(iter(data.train_dataloader()))
    pool = {bytes(image.numpy()) for image in data.pool.images.pixels}
    counts = {name: [bytes(image.numpy()) in pool for image in batch[name][0].image] for name in batch}
    assert {name: (len(kinds), sum(kinds)) for name, kinds in counts.items()} == {
        "unlabelled": (40, 24),
        "labelled": (20, 12),
    }
