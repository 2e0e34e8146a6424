"""The game on points: one player at a time, and arrows that tell the truth."""

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.play.toy import LOSSES, ToyGame
from sparring.trained.runs import Runs
from tests.model.alone import weights
from tests.play.at_once import Inside, overlap


def game(loss: str = "non_saturating", shape: str = "ring") -> ToyGame:
    return ToyGame(shape, loss, 2e-3, runs=Runs())


def test_a_step_of_one_player_leaves_the_other_alone() -> None:
    toy = game()
    for player, other in (("discriminator", "generator"), ("generator", "discriminator")):
        own, others = (weights(getattr(toy._game, name)) for name in (player, other))
        toy.step(player)  # type: ignore[arg-type]
        after = weights(getattr(toy._game, other))
        assert all(torch.equal(after[name], others[name]) for name in others)
        assert any(not torch.equal(tensor, own[name]) for name, tensor in weights(getattr(toy._game, player)).items())
    assert toy.view().steps == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_the_arrows_point_where_the_loss_falls(loss: str) -> None:
    toy = game(loss)
    toy.play(3)
    view, inner = toy.view(), toy._game
    label = torch.zeros(len(view.fake), dtype=torch.int64)
    real = inner.discriminator(view.real[:, :, None, None], label).detach() if inner.loss.pairs else None

    def loss_at(points: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return inner.loss.generator(inner.discriminator(points[:, :, None, None], label), real)

    small = 1e-3 / view.pull.norm(dim=1).max()
    moved = loss_at(view.fake + small * view.pull) - loss_at(view.fake)
    torch.testing.assert_close(moved.sum(), -small * view.pull.square().sum(), rtol=0.1, atol=1e-6)
    assert view.belief.min() == 0
    assert view.belief.max() == 1


@pytest.mark.slow
def test_the_game_learns_the_ring() -> None:
    toy = game()
    before = toy.view().fake.norm(dim=1).mean()
    toy.play(150)
    after = toy.view().fake.norm(dim=1)
    assert before < 0.3
    assert 0.45 < after.mean() < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("second", ["step", "view"])
def test_buttons_that_are_pressed_together_happen_in_turn(second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    toy, inside = game(), Inside()
    monkeypatch.setattr(toy._game, "discriminator_step", inside)
    uses = {"step": lambda: toy.step("generator"), "view": toy.view}
    assert not overlap(inside, lambda: toy.play(1), uses[second])


def test_what_is_not_offered_is_refused() -> None:
    with pytest.raises(ConfigError, match="not both offered"):
        game(shape="spiral")
    with pytest.raises(ConfigError, match="learning rate of 5"):
        ToyGame("ring", "hinge", 5.0, runs=Runs())
