"""What a classifier of degraded images is shown: the same test images as enhance.py makes, anew in every training iteration."""

from typing import Any

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.core.pixels import to_uint8
from sparring.core.task import Task
from sparring.core.types import Batch, TrainedNetwork
from sparring.model.degraded_classifier import DegradedClassifier, _ShownData
from sparring.model.enhancer.base import Enhancer, enlarged
from sparring.trained.runs import build_model
from tests.conftest import compose

NOISY = ["model=degraded_classifier", "data.image_size=8", "model.degradation.noise=0.2"]


def model(*overrides: str) -> DegradedClassifier:
    return build_model(compose(*NOISY, *overrides))  # type: ignore[no-any-return]


class Inverted(Enhancer):
    """The negative of the bicubic enlargement."""

    def change(self, image: torch.Tensor) -> torch.Tensor:
        return -2 * enlarged(image, self.factor)


class OneSplit:
    """Data of which only `whole` is asked."""

    def __init__(self, image: torch.Tensor) -> None:
        self.image = image

    def whole(self, split: str) -> Batch:
        return Batch(self.image, torch.zeros(len(self.image), dtype=torch.int64))


def test_degraded_images_are_enlarged_restored_or_left_small() -> None:
    image, index = torch.rand(3, 1, 8, 8) * 2 - 1, torch.arange(3)
    plain = model()
    bad = plain.degradation(image, seed=plain.seed, index=index)
    assert bad.shape == (3, 1, 4, 4)
    torch.testing.assert_close(plain.shown(image, index), enlarged(bad, 2), atol=1 / 255 + 1e-6, rtol=0)
    torch.testing.assert_close(model("model.enlarge=false").shown(image, index), bad)
    restored = model("model.restored_by=a_run")
    assert restored.enhancers() == {"model.restored_by": "a_run"}
    with pytest.raises(ConfigError, match=r"model.restored_by=a_run was not loaded"):
        restored.shown(image, index)
    loaded = TrainedNetwork(Inverted(factor=2), Task(1, 8, ("a",)), {})
    restored.attach("model.restored_by", loaded)
    torch.testing.assert_close(restored.shown(image, index), -enlarged(bad, 2), atol=1 / 255 + 1e-6, rtol=0)
    assert not any("enhancer" in name for name, _ in restored.named_parameters())
    with pytest.raises(ConfigError, match=r"enlarges by 2 and model.degradation.factor=4"):
        model("model.restored_by=a_run", "model.degradation.factor=4").attach("model.restored_by", loaded)


def test_the_classifier_is_tested_on_what_it_is_shown_and_learns_from_new_noise() -> None:
    subject, image = model(), torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8)
    shown = _ShownData(OneSplit(image), subject).whole("test").image  # type: ignore[arg-type]
    original = image.float() / 127.5 - 1
    assert torch.equal(shown, to_uint8(subject.shown(original, torch.arange(5))))
    assert not torch.equal(shown[1:2], to_uint8(subject.shown(original[1:2], torch.arange(1))))
    seen: list[Any] = []
    subject.begin_iteration = lambda chunk: seen.append(chunk.image.clone()) or _stop()  # type: ignore[method-assign,func-returns-value]
    for iteration in (0, 0, 1):
        subject.clock.iteration = iteration
        with pytest.raises(StopIteration):
            subject.training_step({"classifier": [Batch(original, torch.zeros(5, dtype=torch.int64))]}, 0)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


def _stop() -> None:
    raise StopIteration
