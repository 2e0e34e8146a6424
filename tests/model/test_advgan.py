"""AdvGAN: its terms by hand, its bounds to the last bit, and a target that nothing touches."""

import pytest
import torch
from torch import Tensor, nn

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.settings import radius
from sparring.core.task import Task
from sparring.core.types import Batch, TrainedNetwork
from sparring.model.advgan import AdvGAN
from sparring.model.attacked_classifier import AttackedClassifier
from sparring.model.perturber.base import Perturber
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves

SMALL = ["model=advgan", "model.target=run", "model.epsilon=0.2", "data.image_size=8", "model.perturber.width=4",
         "model.discriminator.width=4", "model.student.width=4"]  # fmt: skip


def target() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))


def model_of(*overrides: str) -> AdvGAN:
    """With a target whose weights are random."""
    torch.manual_seed(0)
    model = build_model(compose(*SMALL, *overrides))
    assert isinstance(model, AdvGAN)
    model.attach("model.target", TrainedNetwork(target(), Task(1, 8, tuple("0123456789")), {"weights_sha256": "0"}))
    model.batch_size = 12
    return model


def batch(count: int = 12) -> Batch:
    draw = torch.Generator().manual_seed(1)
    image = torch.rand(count, 1, 8, 8, generator=draw) * 2 - 1
    return Batch(image, torch.randint(10, (count,), generator=draw))


def step(model: AdvGAN, chunk: Batch) -> dict[str, list[Tensor]]:
    """One iteration without a trainer; returns each player's gradients, which move nothing."""
    gradients: dict[str, list[Tensor]] = {}

    class Still:
        def step(self) -> None:
            gradients["idle"] = []

    def step_player(player: str) -> None:
        network = getattr(model, player)
        gradients[player] = [p.grad.clone() for p in network.parameters() if p.grad is not None]
        network.zero_grad(set_to_none=True)

    model.begin_iteration = lambda chunk: None  # type: ignore[method-assign]
    model.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign, misc]
    model.step_player = step_player  # type: ignore[method-assign]
    model.players = lambda: {"perturber": Still()}  # type: ignore[method-assign]
    model.training_step({"perturber": [chunk]}, 0)
    return gradients


class Loud(Perturber):
    def raw(self, image: Tensor) -> Tensor:
        return 50 * torch.sin(1000 * image)


@pytest.mark.parametrize("epsilon", ["8/255", "0.2", "1"])
def test_ball_and_range_are_exact(epsilon: str) -> None:
    model = model_of(f"model.epsilon='{epsilon}'")
    model.perturber = Loud()
    image = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2.02 - 1.01
    image = image.clamp(-1, 1)
    adversarial = model.perturbed(image)
    distance = (adversarial.double() - image.double()).abs().max()
    assert float(distance) <= radius(model.epsilon)
    if model.epsilon < 1:  # a sine of 50 that no range cuts reaches the bound
        assert float(distance) > radius(model.epsilon) - 1e-6
    assert -1 <= float(adversarial.min()) <= float(adversarial.max()) <= 1


@pytest.mark.parametrize("distill", ["none", "static", "dynamic"])
def test_the_target_is_outside_and_untouched(distill: str) -> None:
    model = model_of(f"model.distill={distill}", "model.warm_up=0")
    before = {name: tensor.clone() for name, tensor in model.target.state_dict().items()}
    model.train()
    step(model, batch())
    assert not model.target.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.target.state_dict().items())
    assert all(parameter.grad is None for parameter in model.target.parameters())
    mine = {id(parameter) for parameter in model.parameters()} | {id(buffer) for buffer in model.buffers()}
    theirs = {id(tensor) for tensor in (*model.target.parameters(), *model.target.buffers())}
    assert not mine & theirs
    names = {"perturber", "discriminator"} | ({"student"} if distill != "none" else set())
    assert set(model.networks()) == names == {key.partition(".")[0] for key in model.state_dict()}
    optimized = {
        id(p) for optimizer in model.configure_optimizers() for group in optimizer.param_groups for p in group["params"]
    }
    assert not optimized & theirs


def test_the_perturber_follows_the_written_loss() -> None:
    """Its gradient against that of the formula in float64, written anew."""
    model = model_of(
        "model.gan_weight=0.7", "model.norm_weight=0.3", "model.norm_bound=0.1", "model.accumulate=3"
    ).double()
    model.target.double()
    image, label = batch()
    image = image.double()
    gradients = step(model, Batch(image, label))["perturber"]
    change = (image + 0.4 * model.perturber(image)).clamp(-1, 1) - image
    logits, rows = model.target(image + change), torch.arange(12)
    others = logits.clone()
    others[rows, label] = -torch.inf
    adv = (logits[rows, label] - others.max(1).values).clamp(min=0)
    gan = (model.discriminator(image + change, label) - 1).square() / 2
    norm = ((change.square().sum((1, 2, 3))).sqrt() / (0.4 * 8) - 0.1).clamp(min=0)
    expected = torch.autograd.grad((adv + 0.7 * gan + 0.3 * norm).mean(), list(model.perturber.parameters()))
    for one, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)  # the ball's bounds are float32


@pytest.mark.parametrize(("distill", "progress", "players", "queries"), [
    ("none", 0.0, {"discriminator", "perturber"}, 12),
    ("static", 0.1, {"student", "idle"}, 12),
    ("static", 0.6, {"discriminator", "perturber"}, 0),
    ("dynamic", 0.1, {"student", "idle"}, 12),
    ("dynamic", 0.6, {"student", "discriminator", "perturber"}, 24),
])  # fmt: skip
def test_who_moves_when_and_what_the_target_is_asked(
    distill: str, progress: float, players: set[str], queries: int
) -> None:
    model = model_of(f"model.distill={distill}")
    model.budget, model.clock.iteration = 10, round(10 * progress)
    assert set(step(model, batch())) == players
    assert model.queries == queries
    assert model.clock.iteration == round(10 * progress) + 1


def test_a_student_takes_no_gradient_of_the_target() -> None:
    model = model_of("model.distill=dynamic", "model.warm_up=0")
    asked: list[bool] = []
    model.target.register_forward_hook(lambda module, args, out: asked.append(torch.is_grad_enabled()))
    step(model, batch())
    assert asked == [False]


@pytest.mark.parametrize("perturber", leaves("model/perturber"))
@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 28), (4, 15), (3, 32)])
def test_perturbers_take_any_shape_and_each_image_alone(perturber: str, channels: int, size: int) -> None:
    settings = compose(
        "model=advgan", "model.target=run", f"model/perturber={perturber}", "model.perturber.width=4"
    ).model.perturber
    settings.channels, settings.image_size = channels, size
    torch.manual_seed(0)
    network = build(settings, section="model")
    image = torch.rand(3, channels, size, size) * 2 - 1
    change = network(image)
    assert change.shape == image.shape
    assert float(change.abs().max()) <= 1
    torch.testing.assert_close(network(image[1:2]), change[1:2])


def test_the_conv_perturber_cannot_be_one_shade() -> None:
    """What it was stuck in: a large bias of the last layer, the same at every pixel, saturates tanh and ends its gradient."""
    model = model_of()
    image, _ = batch()
    with torch.no_grad():
        model.perturber.last.bias.fill_(1000.0)  # type: ignore[union-attr, operator]
    change = model.perturber.raw(image)
    assert float(change.mean((1, 2, 3)).abs().max()) < 0.05
    assert change.square().mean((1, 2, 3)).sqrt().tolist() == pytest.approx([2.0] * 12, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("override", "sentence"), [
    ("model.target_class=10", r"model.target_class=10 is no class: give one from 0 to 9 or its name, or null"),
    ("model.target_class=-1", r"model.target_class=-1 is no class"),
    ("model.epsilon=0", r"epsilon=0 is no fraction of the pixel range"),
    ("model.epsilon=1.5", r"epsilon=1.5 is no fraction"),
    ("model.distill=half", r"model.distill=half is not one of none, static, dynamic"),
    ("model.warm_up=1", r"model.warm_up=1 must be from 0 to below 1"),
    ("model.gan_weight=-1", r"model.gan_weight=-1 must be 0 or more"),
    ("model/head=projection", r"set model/head=none"),
    ("model.perturber.levels=4", r"model.perturber.levels=4 must be"),
    ("model/loss=wasserstein", r"grows without bound"),
])  # fmt: skip
def test_bad_settings_are_one_sentence(override: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        model_of(override)


def test_without_a_target_it_says_so() -> None:
    model = build_model(compose(*SMALL))
    with pytest.raises(ConfigError, match=r"model.target=run was not loaded"):
        model.target  # noqa: B018


@pytest.mark.parametrize(("given", "index"), [("boot", 2), ("2", 2), (2, 2), ("7", 1), (None, None)])
def test_the_class_to_be_predicted_is_named_or_numbered(given: int | str | None, index: int | None) -> None:
    target = AttackedClassifier(run="x", checkpoint="last", target_class=given)
    target.attach(TrainedNetwork(nn.Flatten(), Task(1, 8, ("bag", "7", "boot")), {}))
    assert target.target_class == index
    assert target.class_names == ("bag", "7", "boot")


def test_a_class_that_the_target_does_not_know_is_refused() -> None:
    target = AttackedClassifier(run="x", checkpoint="last", target_class="boots")
    with pytest.raises(
        ConfigError, match=r"^model\.target_class=boots is no class of this run, did you mean boot\? It has 0 \(bag\)"
    ):
        target.attach(TrainedNetwork(nn.Flatten(), Task(1, 8, ("bag", "7", "boot")), {}))
