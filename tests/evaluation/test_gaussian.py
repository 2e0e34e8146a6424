"""The Gaussian per class that a generator has to beat: drawn alike every time, class by class."""

import torch

from sparring.core.types import Batch
from sparring.evaluation.gaussian import gaussian_samples


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
