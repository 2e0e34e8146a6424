"""The adversarial step: who moves when, on which images, by which clock."""

import lightning.pytorch as L
import pytest
import torch
from torch import nn

from sparring.core.errors import ConfigError
from tests.leaves import slow_but
from tests.model.steps import BATCH, fit, gan, snapshot


def moved(network: nn.Module, before: list[torch.Tensor]) -> bool:
    return any(not torch.equal(weight, old) for weight, old in zip(network.parameters(), before, strict=True))


@pytest.mark.parametrize("loss", ["rpgan", "hinge", "non_saturating"])
@pytest.mark.parametrize("regularizer", slow_but(("[]", "[r1,r2,wgan_gp]"), "[]"))
def test_each_phase_moves_only_its_own_player(loss: str, regularizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan(f"model/loss={loss}", f"model/regularizer={regularizer}")
    phases: list[str] = []

    def watch(phase: str, moves: nn.Module, stays: nn.Module) -> None:
        original = getattr(model, phase)

        def step(*arguments: object) -> None:
            mine, other = snapshot(moves), snapshot(stays)
            original(*arguments)
            phases.append(phase)
            assert moved(moves, mine)
            assert not moved(stays, other)
            # Nothing is left behind for the next phase, of either player.
            assert all(weight.grad is None for weight in (*moves.parameters(), *stays.parameters()))
            assert all(weight.requires_grad for weight in (*moves.parameters(), *stays.parameters()))

        monkeypatch.setattr(model, phase, step)

    watch("discriminator_step", model.discriminator, model.generator)
    watch("generator_step", model.generator, model.discriminator)
    fit(model, 2)
    assert phases == ["discriminator_step", "generator_step"] * 2


@pytest.mark.parametrize(("loss", "per_iteration"), [("rpgan", 4), ("hinge", 3)])
def test_every_step_sees_fresh_images(loss: str, per_iteration: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan(f"model/loss={loss}", "model.d_steps=3")
    used: list[torch.Tensor] = []
    original = model.parts

    def parts(chunk, player, number):
        if chunk is not None:
            used.append(chunk.image)
        yield from original(chunk, player, number)

    monkeypatch.setattr(model, "parts", parts)
    _, chunks = fit(model, 4)
    assert len(used) == 4 * per_iteration
    torch.testing.assert_close(torch.stack(used), torch.stack(chunks.drawn[: len(used)]))


@pytest.mark.parametrize("d_steps", [1, 3])
def test_one_clock(d_steps: int) -> None:
    marks: list[tuple[int, int, int]] = []

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
            marks.append((trainer.global_step, pl_module.clock.iteration, pl_module.clock.images_seen))

    trainer, _ = fit(gan(f"model.d_steps={d_steps}"), 12, callbacks=[Watch()])
    assert marks == [(step, step, step * BATCH * d_steps) for step in range(1, 13)]
    assert trainer.global_step == 12


def test_lazy_regularizer_counts_d_steps_and_keeps_its_mean_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan("model/regularizer=[r1]", "model.regularizer.r1.interval=4", "model.d_steps=2")
    losses: list[tuple[float, dict[str, float]]] = []
    numbers: list[int] = []
    monkeypatch.setattr(model, "manual_backward", lambda loss: (losses.append(loss.item()), loss.backward()))
    original = model.discriminator_step
    monkeypatch.setattr(
        model, "discriminator_step", lambda chunk, number: (numbers.append(number), original(chunk, number))
    )
    fit(model, 4)
    assert numbers == list(range(8))
    values = model.meter._values
    assert len(values["penalty/r1"]) == 2  # D steps 0 and 4
    d_losses = [loss for index, loss in enumerate(losses) if index % 3 != 2]
    for number, total in enumerate(d_losses):
        plain = values["loss/discriminator"][number].item()
        penalty = 4 * values["penalty/r1"][number // 4].item() if number % 4 == 0 else 0.0
        assert total == pytest.approx(plain + penalty, rel=1e-5)


def test_accumulation_changes_memory_not_gradients() -> None:
    whole = gan("model/regularizer=[r1,r2,wgan_gp]", "model.accumulate=1").double()
    parts = gan("model/regularizer=[r1,r2,wgan_gp]", "model.accumulate=4").double()
    fit(whole, 3)
    fit(parts, 3)
    for one, other in zip(snapshot(whole), snapshot(parts), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_learning_rates_follow_the_schedule_and_differ_between_players() -> None:
    model = gan(
        "model/schedule=linear", "model.generator_optimizer.lr=1e-3", "model.discriminator_optimizer.lr=4e-3",
        "model.discriminator_optimizer.betas=[0.3,0.7]",
    )  # fmt: skip
    fit(model, 4)
    generator, discriminator = (optimizer.param_groups[0] for optimizer in model.players().values())
    assert generator["lr"] == pytest.approx(1e-3 * 0.25)  # the last iteration begins with 3 of 4 spent
    assert discriminator["lr"] == pytest.approx(4e-3 * 0.25)
    assert tuple(discriminator["betas"]) == (0.3, 0.7)


def test_generated_labels_follow_the_data_prior() -> None:
    model = gan("model/loss=hinge")
    model.batch_size = 4000
    prior = torch.tensor([0.5, 0.3, 0.2, 0, 0, 0, 0, 0, 0, 0])
    model.class_prior.copy_(prior)
    (part,) = model.parts(None, "generator", 0)
    torch.testing.assert_close(part.fake_label.bincount(minlength=10) / 4000, prior, atol=0.03, rtol=0)


def test_draws_differ_between_iterations_and_players_and_repeat_for_the_same() -> None:
    model = gan("model/loss=hinge")
    model.batch_size = 4
    latents = [
        next(model.parts(None, player, number)).latent for player in ("generator", "discriminator") for number in (0, 1)
    ]
    assert len({latent.sum().item() for latent in latents}) == 4
    torch.testing.assert_close(next(model.parts(None, "generator", 0)).latent, latents[0])


def test_ranks_draw_different_rows_of_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan("model/loss=hinge")
    model.batch_size = 6
    (whole,) = model.parts(None, "generator", 3)
    shares = []
    for rank in range(2):
        monkeypatch.setattr("sparring.model.game.rank_and_world", lambda module, rank=rank: (rank, 2))
        shares += list(model.parts(None, "generator", 3))
    assert not torch.equal(shares[0].latent, shares[1].latent)
    for name in ("latent", "fake_label"):
        assert torch.equal(torch.cat([getattr(share, name) for share in shares]), getattr(whole, name))


def test_averaged_generator_stays_in_eval_mode_and_follows_the_recurrence() -> None:
    model = gan("model/generator=dcgan", "model.ema.half_life=16", "model.ema.ramp_up=null")
    before, _ = snapshot(model.generator), fit(model, 1)
    expected = [
        old.lerp(new, 1 - 0.5 ** (BATCH / 16)) for old, new in zip(before, model.generator.parameters(), strict=True)
    ]
    for ours, theirs in zip(model.ema.parameters(), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert model.generator.training
    assert not any(module.training for module in model.ema.modules())


def test_bad_counts_are_refused() -> None:
    with pytest.raises(ConfigError, match="d_steps=0"):
        gan("model.d_steps=0")


def test_only_penalties_with_a_second_derivative_leave_the_trainer_s_precision() -> None:
    for name, exact in (("r1", True), ("approximate_r1", False), ("lecam", False), ("dragan", True)):
        model = gan(f"model/regularizer=[{name}]")
        assert model.regularizers.due("discriminator", 0).differentiates_twice == exact, name
    with torch.autocast("cpu", torch.bfloat16):
        for twice in (False, True):
            with model.precisely(twice):
                assert torch.is_autocast_enabled("cpu") != twice


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (
            ["model/schedule=r3gan", "optimizer@model.discriminator_optimizer=sgd"],
            r"the discriminator's optimizer has none",
        ),
        (
            ["model=r3gan", "model.generator.width=28", "model.generator.group_width=16"],
            r"width 28 \* expansion 2 = 56 channels, .* group_width=16",
        ),
        (
            ["data.image_size=16", "model=dcgan", "model/loss=wasserstein", "model.discriminator.spectral_norm=true"],
            "grows without bound",
        ),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(overrides: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        gan(*overrides)
