"""An augmentation that adapts and stays at its limit is warned about."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sparring.callback.guard import Guard
from sparring.model.augment.base import Adaptive
from sparring.model.game import Game
from sparring.trained.runs import build_model
from tests.callback.test_collapse import Logger
from tests.callback.test_guard import DEFAULTS, decided, guarded
from tests.conftest import TINY, compose


@pytest.mark.parametrize(
    ("change", "path", "warned"),
    [
        ("model/augment=ada", (0.9, 1.0, 1.0, 1.0, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0), 9),
        ("model/augment=apa", (1.0,) * 4, 4),
        ("model/augment=ada", (1.0, 1.0, 1.0, 0.99) * 3, 0),  # it comes back
        ("model.augment.target=null", (1.0,) * 6, 0),  # it stays where it was put
        ("model/augment=none", (1.0,) * 6, 0),
    ],
)
def test_an_augmentation_that_stays_at_its_limit_is_warned_about_once(
    change: str, path: tuple[float, ...], warned: int
) -> None:
    guard, logger = Guard(**DEFAULTS), Logger()
    used: Any = SimpleNamespace(callbacks=[guard], loggers=[logger], is_global_zero=True, should_stop=False)
    game = build_model(compose(*TINY, *(["model/augment=ada"] if "." in change else []), change))
    game.players = dict  # type: ignore[method-assign]
    guard._growth.restart(0, guard._spectrum(game))
    for check, p in enumerate(path, 1):
        if isinstance(game.augment, Adaptive):
            game.augment.p.fill_(p)
        guard._check(used, game)
        assert bool(guard.decisions) == (0 < warned <= check)
    assert [(each.kind, each.action) for each in guard.decisions] == [("augmentation saturated", "warn")] * (warned > 0)
    assert len(logger.alerts) == (warned > 0)
    assert not used.should_stop


def trained(augment: str) -> tuple[Any, Any, Game]:
    """A guard that rolls back, the trainer that it asks, and a game whose p is 1."""
    guard = Guard(**DEFAULTS | {"on_trouble": "rollback", "look_every": None})
    trainer: Any = SimpleNamespace(callbacks=[guard], loggers=[], is_global_zero=True, should_stop=False)
    game = build_model(compose(*TINY, f"model/augment={augment}"))
    game.players = dict  # type: ignore[method-assign]
    assert isinstance(game.augment, Adaptive)
    game.augment.p.fill_(1.0)
    guard._growth.restart(0, guard._spectrum(game))
    return guard, trainer, game


def test_a_warning_leaves_what_else_is_watched_as_it_is() -> None:
    guard, trainer, game = trained("ada")
    guard._saturation.at_limit, guard._margin.below, guard._suspected = 3, 2, 0
    guard._suspect = "it grew"
    guard._explosion = lambda *_: ""  # samples may still show that it goes well
    guard._margin.load([0.5])
    guard._margin.read = lambda: None  # nothing new
    guard._check(trainer, game)
    assert [each.kind for each in guard.decisions] == ["augmentation saturated"]
    assert (guard._suspect, guard._margin.below, guard._margin.plain()) == ("it grew", 2, [0.5])


def test_checks_at_the_limit_are_counted_anew_after_a_rollback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    guard, trainer, game = trained("ada")
    monkeypatch.setattr("sparring.callback.guard.roll_back", lambda *_, **__: 0)
    monkeypatch.setattr("sparring.callback.guard.part_of", lambda *_: SimpleNamespace(path=tmp_path))
    guard._saturation.at_limit = 3
    guard._decide(trainer, game, "weights exploded", "it grew")
    assert [each.action for each in guard.decisions] == ["rollback"]
    for check in range(1, 5):
        guard._check(trainer, game)
        assert len(guard.decisions) == 1 + (check == 4)


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "saturated"), [("0", True), ("0.002", False)])
def test_ada_of_a_run_whose_discriminator_stays_sure_saturates_and_that_of_a_healthy_one_does_not(
    rate: str, saturated: bool, tmp_path: Path, cache_dir: Path
) -> None:
    run = guarded(
        tmp_path, cache_dir, "model/augment=ada", "model.augment.images=320", f"model.generator_optimizer.lr={rate}",
        "trainer.max_steps=90", "callback.guard.every=5", "callback.guard.look_every=null",
    )  # fmt: skip
    found = [(kind, action) for _, kind, action in decided(run)]
    assert found == [("augmentation saturated", "warn")] * saturated
    assert run.result()["clock"]["iteration"] == 90
    assert any("p has been at its limit of 1" in text for text in run.result()["remarks"]) == saturated
