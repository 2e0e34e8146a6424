"""The adversarial step: who moves when, on which images, by which clock."""

from contextlib import nullcontext

import lightning.pytorch as L
import pytest
import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.gan import GAN
from sparring.trained.runs import build_model
from tests.conftest import compose

TINY = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4", "model.latent_dim=5"]
BATCH = 8


class Chunks:
    """What ImageData's train loader yields, with random images that never repeat."""

    def __init__(self, streams: dict[str, int], length: int) -> None:
        self.streams, self.length = streams, length
        self.drawn: list[torch.Tensor] = []

    def __len__(self) -> int:
        return self.length

    def __iter__(self):
        for _ in range(self.length):
            yield {name: [self.chunk() for _ in range(count)] for name, count in self.streams.items()}

    def chunk(self) -> Batch:
        number = len(self.drawn)
        draws = torch.Generator().manual_seed(number)
        self.drawn.append(torch.rand(BATCH, 1, 8, 8, generator=draws) * 2 - 1)
        return Batch(self.drawn[-1], torch.arange(BATCH) % 10)


def gan(*overrides: str) -> GAN:
    torch.manual_seed(0)
    model = build_model(compose(*TINY, *overrides))
    assert isinstance(model, GAN)
    return model


def fit(
    model: GAN, steps: int, *, epoch: int = 5, callbacks: list[L.Callback] | None = None
) -> tuple[L.Trainer, Chunks]:
    chunks = Chunks(model.streams, epoch)
    model.budget = steps
    trainer = L.Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=callbacks,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(model, chunks)
    return trainer, chunks


def snapshot(network: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in network.parameters()]


def moved(network: nn.Module, before: list[torch.Tensor]) -> bool:
    return any(not torch.equal(weight, old) for weight, old in zip(network.parameters(), before, strict=True))


@pytest.mark.parametrize("loss", ["rpgan", "hinge", "non_saturating"])
@pytest.mark.parametrize("regularizer", ["[]", "[r1,r2,wgan_gp]"])
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


def captured(model: GAN, steps: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[float]]:
    """What was differentiated in the discriminator's and the generator's steps."""
    losses: list[float] = []
    monkeypatch.setattr(model, "manual_backward", lambda loss: (losses.append(loss.item()), loss.backward()))
    fit(model, steps)
    return losses[::2], losses[1::2]


def test_class_losses_and_penalties_add_up_in_both_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan("model/head=tac", "model/regularizer=[r1,zcr]", "model/loss=hinge", "model/schedule=r3gan")
    d_losses, g_losses = captured(model, 4, monkeypatch)
    values = {name: [value.item() for value in series] for name, series in model.meter._values.items()}
    for step in range(4):
        strength = model.schedule.penalty(step / 4)
        classes = values["loss/class_real"][step] + values["loss/class_twin"][step]
        penalties = strength * (values["penalty/r1"][step] + values["penalty/zcr"][step])
        assert d_losses[step] == pytest.approx(values["loss/discriminator"][step] + classes + penalties, rel=1e-5)
        generator = values["loss/generator"][step] + values["loss/class_generator"][step]
        assert g_losses[step] == pytest.approx(generator + strength * values["penalty/g_zcr"][step], rel=1e-5)


def test_the_generator_learns_from_the_selected_images_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan("model/loss=hinge", "model/selection=top_k", "model.selection.least=0.25", "model.selection.every=1",
                "model.selection.decay=0.25")  # fmt: skip
    selected_from: list[torch.Tensor] = []
    original = model.selection
    monkeypatch.setattr(
        model,
        "selection",
        lambda losses, logits, number: (selected_from.append(logits), original(losses, logits, number))[1],
    )
    _, g_losses = captured(model, 2, monkeypatch)
    assert g_losses[0] == pytest.approx(-selected_from[0].mean().item(), rel=1e-5)
    assert g_losses[1] == pytest.approx(-selected_from[1].topk(2).values.mean().item(), rel=1e-5)  # a quarter of 8


def test_every_image_that_the_discriminator_sees_is_augmented(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan("model/augment=diffaugment", "model/regularizer=[r1,r2]")
    augmented: list[torch.Tensor] = []
    received: list[torch.Tensor] = []
    original = model.augment.forward

    def watch(image: torch.Tensor, draws: object) -> torch.Tensor:
        augmented.append(original(image, draws))
        return augmented[-1]

    monkeypatch.setattr(model.augment, "forward", watch)
    model.discriminator.register_forward_pre_hook(lambda module, inputs: received.append(inputs[0]))
    features = model.discriminator.features
    monkeypatch.setattr(model.discriminator, "features", lambda image: (received.append(image), features(image))[1])
    fit(model, 2)
    assert len(augmented) == 8  # real and generated, in each player's step (the loss pairs)
    for image in received:
        assert any(torch.equal(image, each) for each in augmented)


def test_only_penalties_with_a_second_derivative_leave_the_trainer_s_precision() -> None:
    for name, exact in (("r1", True), ("approximate_r1", False), ("lecam", False), ("dragan", True)):
        model = gan(f"model/regularizer=[{name}]")
        assert isinstance(model.regularizers.due("discriminator", 0).precision(model.device), nullcontext) == (
            not exact
        ), name


def test_feature_matching_compares_with_fresh_real_images_when_it_is_due() -> None:
    model = gan(
        "model/loss=hinge", "model/head=multi_hinge", "model/regularizer=[feature_matching]",
        "model.regularizer.feature_matching.interval=2", "model.accumulate=1",
    )  # fmt: skip
    penalty, compared = model.regularizers["feature_matching"], []
    compute = penalty.generator

    def watched(view):
        assert view.real is not None
        assert not view.real.features.requires_grad
        compared.append(
            (view.real.image, model.discriminator.features(view.real.image).detach(), view.fake.features.detach())
        )
        return compute(view)

    penalty.generator = watched
    _, chunks = fit(model, 4)
    assert len(chunks.drawn) == 8  # one for each D step, one for each G step
    assert [image.equal(chunks.drawn[number]) for (image, _, _), number in zip(compared, (1, 5), strict=True)] == [
        True,
        True,
    ]
    for (_, real, fake), value in zip(compared, model.meter._values["penalty/g_feature_matching"], strict=True):
        assert value.item() == pytest.approx((real.mean(0) - fake.mean(0)).abs().mean().item(), rel=1e-5)


def test_feature_matching_refuses_a_batch_in_parts() -> None:
    with pytest.raises(ConfigError, match=r"regularizer=feature_matching compares .* set model.accumulate=1"):
        gan("model/regularizer=[feature_matching]", "model.accumulate=2")


def test_images_that_apa_passes_off_as_real_are_none_that_the_step_shows_as_generated() -> None:
    model = gan("model/loss=rpgan", "model/augment=apa", "model/regularizer=[]", "model/head=auxiliary")
    model.augment.p.fill_(1.0)
    real, latent = torch.zeros(BATCH, 1, 8, 8), []
    compute = model.generator.forward
    model.generator.forward = lambda z, label: latent.append((z, label)) or compute(z, label)
    model.batch_size = BATCH
    (part,) = model.parts(Batch(real, torch.arange(BATCH) % 10), "discriminator", 0)
    with torch.no_grad():
        fake = model.generator(part.latent, part.fake_label)
    view = model.views.discriminator_view(part, fake, gradients_at=())
    (generated, fake_label), (presented, label) = latent
    assert torch.equal(fake_label, label)  # rpgan pairs by label
    assert not (generated == presented).any()
    assert not view.real.image.any(dim=(1, 2, 3)).logical_not().any()  # none of the real ones is left
    loss = model.loss.discriminator(view.real.logits, view.fake.logits).mean()
    (gradient,) = torch.autograd.grad(loss, model.discriminator.head.linear.weight)
    assert gradient.abs().max() > 1e-4  # an image paired with itself would leave none


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
