"""What the parts of a GAN add to its steps: class losses, selection, augmentation, feature matching, APA."""

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.gan import GAN
from tests.model.steps import BATCH, fit, gan


def captured(model: GAN, steps: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[float]]:
    """What was differentiated in the discriminator's and the generator's steps."""
    losses: list[float] = []
    monkeypatch.setattr(model, "manual_backward", lambda loss: (losses.append(loss.item()), loss.backward()))
    fit(model, steps)
    return losses[::2], losses[1::2]


def test_class_losses_and_penalties_add_up_in_both_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gan(
        "model/head=tac",
        "model/regularizer=[r1,zcr]",
        "model.regularizer.r1.interval=1",
        "model/loss=hinge",
        "model/schedule=r3gan",
    )
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
    for image in torch.cat(received):
        assert any(torch.equal(image, each) for each in torch.cat(augmented))


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
