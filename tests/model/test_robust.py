"""Adversarial training: losses by hand, images within the ball and range, an attacked network that is not changed."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.attack.pgd import PGD
from sparring.core.errors import ConfigError
from sparring.model.classifier import Classifier
from sparring.model.robust.shared.adversarial import adversarial_images
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import slow_but
from tests.model.adversarial import EPSILON, LEAVES, SMALL, batch, draws_of, model_of


class Watch(nn.Module):
    """Passes images on, and records the mode of every pass and the images of those in training mode."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.trained_on: list[Tensor] = []
        self.modes: list[bool] = []

    def forward(self, image: Tensor) -> Tensor:
        self.modes.append(all(module.training for module in self.modules()))
        if self.training:
            self.trained_on.append(image.detach().clone())
        return self.network(image)


@pytest.mark.parametrize("soft", slow_but((False, True), False))
@pytest.mark.parametrize("robust", LEAVES)
def test_images_stay_in_the_ball_and_in_range(robust: str, soft: bool) -> None:
    model = model_of(robust)
    watch = Watch(model.network).train()
    image, target = batch(soft=soft)
    for iteration in range(3):
        model.robust.loss(watch, image, target, draws_of(model, iteration=iteration)).loss.backward()
    adversarial = watch.trained_on[-1]
    assert float(adversarial.abs().max()) <= 1
    assert float((adversarial.double() - image.double()).abs().max()) <= 2 * EPSILON
    assert float((adversarial - image).abs().max()) > 1.9 * EPSILON


def inner_of(model: Classifier) -> PGD:
    """The inner attack of a method that has one; free adversarial training has none."""
    inner = getattr(model.robust, "inner", None)
    if inner is None:
        pytest.skip("has no inner attack")
    assert isinstance(inner, PGD)
    return inner


def test_the_inner_attacks_have_the_papers_steps() -> None:
    assert {leaf: inner_of(model_of(leaf)).steps for leaf in ("pgd_at", "fast", "trades")} == {
        "pgd_at": 7, "fast": 1, "trades": 10,
    }  # fmt: skip


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("robust", LEAVES)
def test_the_inner_attack_raises_what_is_trained(robust: str, soft: bool) -> None:
    """On a network that has learned a little: random ones are flat."""
    model = model_of(robust)
    inner = inner_of(model)
    network, (image, target) = model.network, batch(soft=soft)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(20):
        optimizer.zero_grad()
        cross_entropy(network(image), target).backward()
        optimizer.step()
    adversarial = adversarial_images(inner, network, image, target, draws_of(model))
    network.eval()
    with torch.no_grad():
        before, after = network(image), network(adversarial)
    climbed = cross_entropy(after, target, reduction="none") - cross_entropy(before, target, reduction="none")
    divergence = (before.softmax(1) * (before.log_softmax(1) - after.log_softmax(1))).sum(1)
    assert bool(((divergence if inner.loss == "kl" else climbed) > 0.01).all())


@pytest.mark.parametrize("robust", LEAVES)
def test_the_attack_queries_in_eval_mode_and_changes_nothing(robust: str) -> None:
    model = model_of(robust)
    inner = inner_of(model)
    watch = Watch(model.network).train()
    model.network.blocks[0].eval()  # type: ignore[operator, union-attr]  # a layer that was frozen stays so
    before = {name: value.clone() for name, value in watch.state_dict().items()}
    image, target = batch(soft=True)
    adversarial_images(inner, watch, image, target, draws_of(model))
    assert not any(watch.modes)
    assert len(watch.modes) == inner.steps + (inner.loss == "kl")
    assert all(torch.equal(value, before[name]) for name, value in watch.state_dict().items())
    assert [name for name, module in watch.named_modules() if not module.training] == ["network.blocks.0"]
    assert all(weight.requires_grad and weight.grad is None for weight in watch.parameters())


def test_parts_and_devices_attack_the_images_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("pgd_at")
    image, target = batch(soft=False)
    inner, network = model.robust.inner, model.network.double()  # type: ignore[union-attr]
    whole = adversarial_images(inner, network, image.double(), target.double(), draws_of(model))  # type: ignore[arg-type]
    for first in range(2):
        rows = slice(first, None, 2)
        part = adversarial_images(inner, network, image[rows].double(), target[rows].double(), draws_of(model, rows))  # type: ignore[arg-type]
        torch.testing.assert_close(part, whole[rows])
    monkeypatch.setattr("sparring.model.game.rank_and_world", lambda module: (1, 2))
    second = adversarial_images(inner, network, image[3:].double(), target[3:].double(), draws_of(model))  # type: ignore[arg-type]
    torch.testing.assert_close(second, whole[3:])
    later = adversarial_images(inner, network, image[3:].double(), target[3:].double(), draws_of(model, iteration=1))  # type: ignore[arg-type]
    assert not torch.allclose(later, second)


def test_the_step_size_is_a_fraction_of_the_pixel_range() -> None:
    inner = model_of("pgd_at", "model.robust.steps=4", "model.robust.step_size=8/255").robust.inner  # type: ignore[union-attr]
    assert inner.step_size == pytest.approx(8 / 255)  # type: ignore[union-attr, operator]
    published = build_model(compose(*SMALL, "model/robust=fast")).robust.inner  # type: ignore[union-attr]
    assert (published.steps, published.step_size) == (1, pytest.approx(10 / 255))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["pgd_at", "epsilon=0"], "epsilon=0 is no fraction of the pixel range"),
        (["trades", "epsilon=1.5"], r"epsilon=1\.5 is no fraction"),
        (["free", "epsilon=8"], "epsilon=8 is no fraction"),
        (["pgd_at", "step_size=0"], "step_size=0 is no fraction"),
        (["fast", "step_size=2"], "step_size=2 is no fraction"),
        (["pgd_at", "steps=0"], "steps=0 is no whole number above 0"),
        (["trades", r"steps=2\.5"], r"steps=2\.5 is no whole number"),
        (["free", "replays=0"], "replays=0 is no whole number"),
        (["fast", "val_steps=0"], "val_steps=0 is no whole number"),
        (["pgd_at", "norm=l1"], "norm=l1 is unknown"),
        (["trades", "beta=0"], r"model\.robust\.beta=0 must be above 0"),
    ],
)
def test_bad_settings_are_one_sentence(overrides: list[str], sentence: str) -> None:
    leaf, setting = overrides
    with pytest.raises(ConfigError, match=sentence):
        build_model(compose(*SMALL, f"model/robust={leaf}", f"model.robust.{setting}".replace("\\", "")))
