"""The Gaussian per class that a generator has to beat: drawn alike every time, class by class."""

import types

import pytest
import torch
import torch.distributed as dist

from sparring.core.types import Batch
from sparring.evaluation.gaussian import gaussian_samples, gaussian_values
from sparring.metric.suite import ImageFeatures, Reference


def images(count: int, level: int) -> torch.Tensor:
    noise = torch.randn(count, 1, 4, 4, generator=torch.Generator().manual_seed(level))
    return (level + 10 * noise).round().clamp(0, 255).to(torch.uint8)


def test_each_class_has_its_own_mean_and_spread_and_as_many_samples() -> None:
    train = Batch(torch.cat([images(50, 60), images(50, 180)]), torch.tensor([0] * 50 + [1] * 50))
    one, same = gaussian_samples(train, 2, 401), gaussian_samples(train, 2, 401)
    assert one is not None
    assert same is not None
    assert torch.equal(one.image, same.image)
    assert one.image.shape == (401, 1, 4, 4)
    assert torch.bincount(one.label).tolist() == [201, 200]
    for k, level in enumerate((60, 180)):
        drawn = one.image[one.label == k].float()
        assert abs(float(drawn.mean()) - level) < 2
        assert abs(float(drawn.std()) - 10) < 2


def test_a_class_of_one_image_and_images_without_a_label_are_left_out() -> None:
    train = Batch(torch.cat([images(5, 60), images(1, 180), images(4, 120)]), torch.tensor([0] * 5 + [1] + [-1] * 4))
    samples = gaussian_samples(train, 2, 10)
    assert samples is not None
    assert samples.label.tolist() == [0] * 10
    assert gaussian_samples(Batch(train.image[5:6], train.label[5:6]), 2, 10) is None


def test_one_process_measures_it_while_others_do_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first process of a distributed training alone does; a gathering would wait for ever."""

    def features(batch: Batch) -> ImageFeatures:
        return ImageFeatures(batch.image.flatten(1).float(), None, batch.label)

    def gathered(*_: object, **__: object) -> None:
        raise AssertionError("it gathers")

    train = Batch(images(40, 60), torch.zeros(40, dtype=torch.int64))
    reference = Reference(features(train), features(train), features(train), 1)
    data = types.SimpleNamespace(whole=lambda split: train)
    real = types.SimpleNamespace(data=data, num_classes=1, of=features, reference=lambda split, names: reference)
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda *_: 2)
    monkeypatch.setattr(dist, "all_gather", gathered)
    monkeypatch.setattr(dist, "barrier", gathered)
    values = gaussian_values(real, split="train", names=["fd"], k=3, count=40)  # type: ignore[arg-type]
    assert values["fd"] > 0
