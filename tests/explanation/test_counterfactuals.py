"""Counterfactuals: which class is asked for, which generator fits, what is said of them."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.core.task import Task
from sparring.explanation.counterfactuals import _agreement, _targets, check_generator, flags_of_counterfactuals
from sparring.explanation.settings import ExplainSettings
from tests.conftest import compose

CLASSES = ("bag", "boot", "coat")


def settings(*overrides: str) -> ExplainSettings:
    keys = ["run=x", "device=cpu", "paths.cache_dir=cache", "generator=gan", *overrides]
    return ExplainSettings.of(compose(*keys, config="explain"))


def subject(size: int = 8) -> Any:
    return SimpleNamespace(kind="classifier", loaded=SimpleNamespace(task=Task(1, size, CLASSES), class_names=CLASSES))


def test_the_class_asked_for() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0], [0.0, 1.0, 5.0]])
    assert _targets(settings(), subject(), logits).tolist() == [1, 1]
    assert _targets(settings("to=boot"), subject(), logits).tolist() == [1, 1]
    assert _targets(settings("to=0"), subject(), logits).tolist() == [1, 0]  # the answer already: the second instead
    with pytest.raises(ConfigError, match="to=hat is no class of this run"):
        _targets(settings("to=hat"), subject(), logits)


@pytest.mark.parametrize(
    ("channels", "size", "classes", "message"),
    [
        (3, 8, CLASSES, "generator=gan sees images of 3 x 8 x 8 and run=x has 1 x 8 x 8"),
        (1, 16, (), "generator=gan sees images of 1 x 16 x 16 and run=x has 1 x 8 x 8"),
        (
            1,
            8,
            ("hat", "boot", "coat"),
            "generator=gan knows the classes hat, boot, coat and run=x has bag, boot, coat",
        ),
    ],
)
def test_a_generator_of_other_images_or_classes_is_refused(
    channels: int, size: int, classes: tuple[str, ...], message: str
) -> None:
    trained: Any = SimpleNamespace(origin={"run": "gan"}, class_names=classes)
    runs: Any = SimpleNamespace(
        open=lambda run: SimpleNamespace(config={"data": {"channels": channels, "image_size": size}}),
        generator=lambda run: trained,
    )
    with pytest.raises(DataError, match=message):
        check_generator(settings(), subject(), runs)


def test_agreement_is_the_cosine_of_the_changes() -> None:
    same = torch.randn(4, 1, 9)
    assert _agreement(torch.cat([same, 3 * same], 1)) == pytest.approx(1)
    assert _agreement(torch.cat([same, -same], 1)) == pytest.approx(-1)
    assert _agreement(same) is None


def test_what_should_not_be_believed_is_said() -> None:
    good = {"reconstruction_kept": 1.0, "validity": 1.0}
    assert flags_of_counterfactuals(None) == flags_of_counterfactuals(good) == []
    (lost,) = flags_of_counterfactuals(good | {"reconstruction_kept": 0.5})
    assert "gives 50% of the reconstructions another class" in lost
    (missed,) = flags_of_counterfactuals(good | {"validity": 0.75})
    assert "For 25% of the images no move" in missed
