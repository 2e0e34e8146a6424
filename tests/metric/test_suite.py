"""measure: what depends on the reference alone is computed once, and changes no value."""

from typing import Any

import pytest
import torch

from sparring.core.randomness import generator
from sparring.metric import suite
from sparring.metric.suite import METRICS, ImageFeatures, MetricValue, Reference, measure


def images(name: str, count: int) -> ImageFeatures:
    draws = generator("suite", name)
    label = torch.arange(count) % 3
    return ImageFeatures(torch.randn(count, 4, generator=draws), torch.randn(count, 3, generator=draws), label)


def fresh() -> Reference:
    return Reference(images("real", 60), images("train", 70), images("held out", 40), 3)


def values(measured: dict[str, MetricValue]) -> dict[str, float | None]:
    return {name: each.value for name, each in measured.items()}


def test_a_reference_used_twice_gives_what_a_new_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    names, reference = list(METRICS), fresh()
    one, two = images("one", 50), images("two", 45)
    expected = [values(measure(fake, fresh(), names=names, k=3)) for fake in (one, two)]
    assert all(value is not None for value in expected[0].values())
    assert values(measure(one, reference, names=names, k=3)) == expected[0]

    def again(*_: Any, **__: Any) -> None:
        raise AssertionError("computed a second time")

    for name in ("mean_of_pairs", "radius_of_balls", "neighbour_distance"):
        monkeypatch.setattr(suite, name, again)
    assert values(measure(two, reference, names=names, k=3)) == expected[1]


def test_another_k_and_other_rows_are_computed_anew() -> None:
    reference, fake = fresh(), images("one", 50)
    three = measure(fake, reference, names=["density"], k=3)["density"].value
    five = measure(fake, reference, names=["density"], k=5)["density"].value
    assert three != five
    assert five == measure(fake, fresh(), names=["density"], k=5)["density"].value
    assert not reference.real[:20].cache


def test_one_image_per_class_has_no_diversity_and_images_without_a_class_are_left_out() -> None:
    reference = Reference(images("real", 60), images("train", 70), images("held out", 40), 3)
    collapsed, real = images("one", 50), reference.real
    collapsed = ImageFeatures(collapsed.features[collapsed.label], collapsed.logits, collapsed.label)
    assert measure(collapsed, reference, names=["diversity"], k=3)["diversity"].value == pytest.approx(0.0, abs=1e-12)
    some = ImageFeatures(
        torch.cat([real.features, 100 + real.features]), None, torch.cat([real.label, torch.full_like(real.label, -1)])
    )
    assert measure(some, reference, names=["diversity"], k=3)["diversity"].value == pytest.approx(1.0)
    unlabelled = ImageFeatures(real.features, None, torch.full_like(real.label, -1))
    assert measure(unlabelled, reference, names=["diversity"], k=3)["diversity"].value is None
