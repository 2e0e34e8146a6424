"""Visitors use networks in turn."""

import pytest
import torch
from torch import nn

from sparring.play import gan as gan_module
from sparring.play.choice import Choice
from sparring.play.gan import Gan
from sparring.play.judge import Judge
from sparring.play.sharing import Kept, turn
from tests.play.at_once import Inside, overlap

IMAGE = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)


def test_every_network_has_a_turn_of_its_own() -> None:
    one, two = nn.Linear(1, 1), nn.Linear(1, 1)
    assert turn(one) is turn(one)
    assert turn(one) is not turn(two)
    with turn(one), turn(one):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("second", ["bars", "attacked", "explained"])
def test_nobody_asks_a_classifier_that_is_being_explained(
    judge: Judge, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = Inside()
    monkeypatch.setitem(judge._methods, "slow", inside)
    uses = {
        "bars": lambda: judge.bars(IMAGE),
        "attacked": lambda: judge.attacked(IMAGE, 0, 0.1),
        "explained": lambda: judge.explained(IMAGE, "integrated_gradients"),
    }
    assert not overlap(inside, lambda: judge.explained(IMAGE, "slow"), uses[second])


def test_nobody_asks_a_classifier_that_is_being_attacked(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Inside()
    monkeypatch.setattr(type(judge.attack), "at", lambda _attack, _epsilon: inside)
    assert not overlap(inside, lambda: judge.attacked(IMAGE, 0, 0.1), lambda: judge.bars(IMAGE))


@pytest.mark.slow
@pytest.mark.parametrize("second", ["images", "redrawn", "bars"])
def test_nobody_draws_while_directions_are_searched(
    gan: Gan, judge: Judge, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = Inside()
    monkeypatch.setattr(gan_module, "named_steps", inside)
    monkeypatch.setattr(gan, "_steps", {})
    latent = torch.zeros(1, gan.trained.latent_dim)
    classifier = gan.classifier
    assert classifier is not None
    uses = {
        "images": lambda: gan.images(Choice(label=0), 1),
        "redrawn": lambda: gan.redrawn(latent, 0, {}),
        "bars": lambda: Judge(classifier, gan.settings, gan.runs).bars(IMAGE),
    }
    assert not overlap(inside, lambda: gan.steps("boundary"), uses[second])


def test_loading_holds_up_only_those_who_want_the_same() -> None:
    inside, kept = Inside(), Kept(2)
    assert overlap(inside, lambda: kept.get("one", inside), lambda: kept.get("two", lambda: 2))
    inside, kept = Inside(), Kept(2)
    assert not overlap(inside, lambda: kept.get("one", inside), lambda: kept.get("one", lambda: 1))
    assert kept.get("one", inside) == 1


def test_what_was_asked_for_longest_ago_is_dropped() -> None:
    kept, made = Kept(2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.get(key, lambda key=key: made.append(key))  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]
