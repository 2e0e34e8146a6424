"""Memorisation: copies are detected, fresh draws are not accused, and every number equals its definition."""

import numpy as np
import pytest
import torch

from sparring.core.errors import DataError
from sparring.metric.memorisation import authentic_percent, distance_ratio, memorisation, nearest_train
from tests.metric.clouds import cloud


def test_nearest_train_equals_brute_force() -> None:
    fake, train = cloud("x", 30, 5), cloud("y", 50, 5)
    distance, index = nearest_train(fake, train, k=3, chunk=7)
    full = torch.cdist(fake.double(), train.double(), compute_mode="donot_use_mm_for_euclid_dist")
    expected = full.topk(3, largest=False)
    assert torch.equal(index, expected.indices)
    torch.testing.assert_close(distance, expected.values, rtol=1e-12, atol=0)


def test_authentic_percent_equals_its_definition() -> None:
    fake, train = cloud("x", 80, 3), cloud("y", 60, 3)
    f, t = fake.double().numpy(), train.double().numpy()
    own = [min(np.linalg.norm(t[i] - t[j]) for j in range(60) if j != i) for i in range(60)]
    authentic = []
    for row in f:
        distances = np.linalg.norm(t - row, axis=1)
        authentic.append(distances.min() > own[distances.argmin()])
    assert authentic_percent(fake, train) == pytest.approx(100 * np.mean(authentic))


def test_every_number_detects_copies() -> None:
    train, held_out = cloud("t", 300, 6), cloud("h", 300, 6)
    honest, copied = memorisation(cloud("x", 200, 6), train, held_out), memorisation(train[:200], train, held_out)
    assert (copied.authentic, copied.copies, copied.ratio, copied.control) == (0.0, 1.0, 0.0, 0.0)
    assert honest.copies == 0
    assert honest.ratio == pytest.approx(1, abs=0.1)
    assert honest.control == pytest.approx(1, abs=0.1)
    assert honest.authentic > 30


def test_the_ratio_does_not_favour_the_larger_set() -> None:
    """Ten times as many training images have nearer neighbours by number alone."""
    fake, train, held_out = cloud("x", 300, 6), cloud("t", 1000, 6), cloud("h", 100, 6)
    assert distance_ratio(fake, train, held_out) == pytest.approx(1, abs=0.1)
    assert distance_ratio(fake, held_out, train) == pytest.approx(1, abs=0.1)
    naive = nearest_train(fake, train)[0].median() / nearest_train(fake, held_out)[0].median()
    assert naive < 0.8


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="NaN"):
        nearest_train(torch.full((2, 3), torch.nan), cloud("t", 9, 3))
    with pytest.raises(DataError, match="needs 12"):
        nearest_train(cloud("x", 2, 3), cloud("t", 9, 3), k=12)
    with pytest.raises(DataError, match="no control"):
        distance_ratio(cloud("t", 9, 3), cloud("u", 9, 3), cloud("t", 9, 3))
