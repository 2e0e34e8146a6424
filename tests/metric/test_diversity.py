"""Intra-class diversity against closed forms and pairwise distances."""

import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.metric.diversity import intra_class_diversity, within_class_variance


def test_variance_within_a_class_is_half_the_mean_squared_distance_of_its_pairs() -> None:
    features, label = torch.randn(40, 3), torch.arange(40) % 2
    variance = within_class_variance(features, label, 3)
    for k in (0, 1):
        rows = features[label == k].double()
        pairs = torch.nn.functional.pdist(rows).square()
        assert float(variance[k]) == pytest.approx(float(pairs.mean()) / 2)
    assert variance[2].isnan()


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 3.0])
def test_shrinking_images_towards_their_class_mean_scales_diversity_by_the_square(factor: float) -> None:
    centre, noise, label = 10 * torch.randn(4, 5), torch.randn(80, 5), torch.arange(80) % 4
    noise -= torch.stack([noise[label == k].mean(0) for k in range(4)])[label]
    real = within_class_variance(centre[label] + noise, label, 4)
    generated = within_class_variance(-centre[label] + factor * noise, label, 4)  # where a class lies does not matter
    assert intra_class_diversity(generated, real) == pytest.approx(factor**2, abs=1e-6)


def test_labels_that_mean_nothing_give_more_than_one() -> None:
    """Two classes at +-1: within a class of mixed images the variance is 0.04 + 1 where it should be 0.04."""
    images = torch.tensor([[1.2], [0.8], [-1.2], [-0.8]]).repeat(100, 1)
    obeyed, mixed = torch.tensor([0, 0, 1, 1]).repeat(100), torch.tensor([0, 1, 0, 1]).repeat(100)
    real = within_class_variance(images, obeyed, 2)
    assert intra_class_diversity(within_class_variance(images, mixed, 2), real) == pytest.approx(1.04 / 0.04, rel=1e-6)


def test_a_class_without_two_images_is_left_out_on_both_sides() -> None:
    nan = torch.nan
    assert intra_class_diversity(torch.tensor([1.0, nan, 8.0]), torch.tensor([2.0, 5.0, nan])) == 0.5


def test_refusals_say_what_is_missing() -> None:
    features = torch.randn(4, 2)
    with pytest.raises(ConfigError, match=r"class in 0..1 for each of 4 images"):
        within_class_variance(features, torch.tensor([0, 1, 2, 0]), 2)
    with pytest.raises(ConfigError, match=r"class in 0..1 for each of 4 images"):
        within_class_variance(features, torch.full((4,), -1), 2)
    with pytest.raises(DataError, match="2 or more generated"):
        intra_class_diversity(torch.tensor([torch.nan, 1.0]), torch.tensor([1.0, torch.nan]))
    with pytest.raises(DataError, match="different real images"):
        intra_class_diversity(torch.tensor([1.0]), torch.tensor([0.0]))
    with pytest.raises(ConfigError, match="2 generated and 3 real"):
        intra_class_diversity(torch.ones(2), torch.ones(3))
