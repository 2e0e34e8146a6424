"""Rob-GAN's step: D learns from real images within epsilon with a larger loss; all else is as in an AC-GAN."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.discriminator_attack.none import NoAttack
from sparring.model.discriminator_attack.pgd import DiscriminatorCost, PGDDiscriminatorAttack
from sparring.model.gan import GAN
from sparring.model.step.views import DiscriminatorOutput
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves

TINY = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4", "model.latent_dim=5"]
BATCH = 8


def gan(*overrides: str, attack: tuple[str, ...] = ("model.discriminator_attack.epsilon=0.1",)) -> GAN:
    torch.manual_seed(0)
    model = build_model(compose("model=robgan", *attack, *TINY, *overrides))
    assert isinstance(model, GAN)
    model.batch_size = BATCH
    return model


def batch() -> Batch:
    draws = torch.Generator().manual_seed(0)
    return Batch(torch.rand(BATCH, 1, 8, 8, generator=draws) * 2 - 1, torch.arange(BATCH) % 10)


def learned_from(model: GAN, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, Tensor]]:
    """(training mode, images) of all forward passes of D in its step; two batches in one pass count twice."""
    passes: list[tuple[bool, Tensor]] = []
    forward = model.discriminator.forward_with_features

    def watched(image: Tensor, label: Tensor) -> DiscriminatorOutput:
        passes.extend((model.discriminator.training, part.detach().clone()) for part in image.split(BATCH))
        return forward(image, label)

    monkeypatch.setattr(model.discriminator, "forward_with_features", watched)
    monkeypatch.setattr(model, "manual_backward", lambda loss: loss.backward())
    monkeypatch.setattr(model, "step_player", lambda player: None)
    model.discriminator_step(batch(), 0)
    return passes


def cost(model: GAN, image: Tensor, fake: Tensor) -> Tensor:
    """D's loss on real images as AC-GAN has it, written out: -log P(real) - log P(class), and -log P(generated)."""
    label = batch().label
    real, generated = (model.discriminator.forward_with_features(x, label) for x in (image, fake))
    classes = model.discriminator.head.classifier(real.features)  # type: ignore[operator]
    return softplus(-real.logits) + softplus(generated.logits) + cross_entropy(classes, label, reduction="none")


@torch.no_grad()
def test_d_learns_from_costlier_images_within_epsilon(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan()
    with torch.enable_grad():
        real, fake = [image for training, image in learned_from(model, monkeypatch) if training]
    original = batch().image
    assert float((real - original).abs().max()) == pytest.approx(0.2, abs=1e-6)  # 0.1 of the pixel range
    assert float(real.abs().max()) <= 1
    before, after = cost(model, original, fake), cost(model, real, fake)
    assert bool((after > before).all())
    noise = (original + 0.2 * (torch.rand_like(original) - 0.5).sign()).clamp(-1, 1)
    assert float((after - before).mean()) > 3 * float((cost(model, noise, fake) - before).mean())


def test_the_attack_sees_d_in_eval_mode_and_leaves_it_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan()
    passes = learned_from(model, monkeypatch)
    steps = 5
    assert [training for training, _ in passes] == [False] * (1 + steps) + [True, True]
    assert model.discriminator.training
    assert all(weight.requires_grad and weight.grad is not None for weight in model.discriminator.parameters())


def test_the_cost_is_d_s_loss_on_real_images() -> None:
    model = gan()
    image, label = batch()
    fake = torch.zeros_like(image)
    generated = model.discriminator.forward_with_features(fake, label)
    function = DiscriminatorCost(model.discriminator, model.loss, label, generated)
    torch.testing.assert_close(function(image), cost(model, image, fake))


def test_without_an_attack_the_images_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan(attack=("model/discriminator_attack=none",))
    (_, real), (_, _) = learned_from(model, monkeypatch)
    torch.testing.assert_close(real, batch().image, rtol=0, atol=0)
    assert isinstance(model.discriminator_attack, NoAttack)


@pytest.mark.parametrize("leaf", leaves("model/discriminator_attack"))
def test_every_leaf_keeps_to_the_range_and_leaves_d_as_it_was(leaf: str) -> None:
    model = gan(attack=(f"model/discriminator_attack={leaf}",)).train()
    image, label = batch()
    fake = torch.zeros_like(image)
    weights = {name: value.clone() for name, value in model.discriminator.state_dict().items()}
    draws = model.draws("discriminator", 0)
    attack = model.discriminator_attack
    with torch.no_grad():
        attacked, again = (
            attack(image, label, fake, label, discriminator=model.discriminator, loss=model.loss, draws=draws)
            for _ in range(2)
        )
    assert attacked.shape == image.shape
    assert attacked.dtype == image.dtype
    assert float(attacked.abs().max()) <= 1
    assert torch.equal(attacked, again)
    assert model.discriminator.training
    assert all(weight.requires_grad and weight.grad is None for weight in model.discriminator.parameters())
    assert all(torch.equal(value, weights[name]) for name, value in model.discriminator.state_dict().items())


def test_parts_and_repeats_give_the_same_images() -> None:
    model = gan("model.discriminator_attack.start=uniform")
    image, label = batch()
    fake = torch.zeros_like(image)

    def moved(rows: slice, number: int = 0) -> Tensor:
        draws = model.draws("discriminator", number, rows=rows)
        part = image[rows], label[rows], fake[rows], label[rows]
        return model.discriminator_attack(*part, discriminator=model.discriminator, loss=model.loss, draws=draws)

    whole = moved(slice(None))
    assert torch.equal(whole, moved(slice(None)))
    torch.testing.assert_close(whole[0::2], moved(slice(0, None, 2)), rtol=0, atol=1e-4)
    later = moved(slice(None), 1)
    assert not torch.equal(whole, later)


def test_bad_strength_is_refused() -> None:
    with pytest.raises(ConfigError, match="epsilon=8 is no fraction"):
        PGDDiscriminatorAttack(norm="linf", epsilon=8, steps=5, step_size=None, start="image")
