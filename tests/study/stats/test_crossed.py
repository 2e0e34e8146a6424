"""Variance that replicates share, against simulated image effects."""

import numpy as np
import pytest

from sparring.study.stats.crossed import image_variance, overlap_variance


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_the_variance_of_shared_images_is_found(share: float) -> None:
    """Image effects of variance 4, `share` of the test images in common: share * 4 / N."""
    random, count = np.random.default_rng(0), 200
    found = []
    for _ in range(100):
        effect = random.normal(0, 2, round(count / share))
        images = [np.sort(random.permutation(len(effect))[:count]) for _ in range(6)]
        differences = [effect[rows] + random.normal(0, 1, count) + random.normal(0, 0.3) for rows in images]
        found.append(image_variance(differences, images))
    assert np.mean(found) == pytest.approx(share * 4 / count, rel=0.1)


def test_images_without_an_effect_add_next_to_nothing() -> None:
    random = np.random.default_rng(1)
    differences = [random.normal(0, 1, 500) for _ in range(6)]
    assert image_variance(differences, [np.arange(500)] * 6) < 1 / 500 / 6
    assert image_variance(differences[:1], [np.arange(500)]) == 0


def test_the_correction_for_overlapping_training_sets_is_nadeau_and_bengios() -> None:
    assert overlap_variance(2.0, training=1000, test=100) == pytest.approx(0.2)
