"""Adversarial training: losses by hand, images within the ball and range, an attacked network that is not changed."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from sparring.attack.evaluation.evaluate import evaluate, subset
from sparring.attack.evaluation.target import Target
from sparring.attack.pgd import PGD
from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise
from sparring.core.randomness import seed_of
from sparring.model.classifier import Classifier, smoothed
from sparring.model.robust import trades
from sparring.model.robust.shared.adversarial import adversarial_images
from sparring.model.step.draws import Draws
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.trained.runs import Runs, build_model
from tests.conftest import compose
from tests.leaves import leaves

Array = NDArray[np.float64]
SMALL = ["model=classifier", "data.image_size=8", "model.backbone.width=4", "report=false", "trainer.accelerator=cpu"]
EPSILON = 0.2
LEAVES = [leaf for leaf in leaves("model/robust") if leaf != "none"]


@cache
def settings_of(robust: str, *overrides: str) -> DictConfig:
    return compose(*SMALL, f"model/robust={robust}", f"model.robust.epsilon={EPSILON}", *overrides)


def model_of(robust: str, *overrides: str, count: int = 6) -> Classifier:
    torch.manual_seed(0)
    model = build_model(settings_of(robust, *overrides))
    assert isinstance(model, Classifier)
    model.batch_size = count
    return model


def draws_of(model: Classifier, rows: slice = slice(None), iteration: int = 0) -> Draws:
    return model.draws("robust", iteration, rows=rows)


def batch(count: int = 6, *, soft: bool) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 8, 8) in [-1, 1] that touch both ends of the range, and class probabilities (N, 10)."""
    draws = torch.Generator().manual_seed(1)
    image = (torch.rand(count, 1, 8, 8, generator=draws) * 3 - 1.5).clamp(-1, 1)
    target = one_hot(torch.arange(count) % 10, 10).float()
    return image, smoothed(target.lerp(target.flip(0), 0.3), 0.1) if soft else target


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


# -- what is learned from --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("soft", [False, True])
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


# -- TRADES -----------------------------------------------------------------------------------------------------------------


def trades_by_hand(weight: Array, bias: Array, clean: Array, adversarial: Array, target: Array, beta: float) -> float:
    """Cross-entropy and KL of softmax(W x + b), from their definitions."""

    def probability(x: Array) -> Array:
        power = np.exp(x @ weight.T + bias)
        return power / power.sum(1, keepdims=True)

    p, q = probability(clean), probability(adversarial)
    natural = -(target * np.log(p)).sum(1).mean()
    return float(natural + beta * (p * (np.log(p) - np.log(q))).sum(1).mean())


def test_trades_loss_and_gradient_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("trades", "model.robust.beta=2.5")
    image, target = (tensor.double() for tensor in batch(soft=True))
    adversarial = (image + 0.3 * torch.randn(image.shape, dtype=image.dtype)).clamp(-1, 1)
    monkeypatch.setattr(
        trades, "adversarial_images", lambda *_: adversarial
    )  # held still: finite differences move the weights
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double()
    learned = model.robust.loss(network, image, target, draws_of(model))
    learned.loss.backward()
    layer = network[1]
    assert isinstance(layer, nn.Linear)
    assert layer.bias.grad is not None
    assert layer.weight.grad is not None
    weight, bias = layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy()
    known = [value.flatten(1).numpy() for value in (image, adversarial)]

    def value() -> float:
        return trades_by_hand(weight, bias, *known, target.numpy(), 2.5)

    def slope(values: Array, place: tuple[int, ...], by: float = 1e-5) -> float:
        kept, ends = values[place], []
        for sign in (1, -1):
            values[place] = kept + sign * by
            ends.append(value())
        values[place] = kept
        return (ends[0] - ends[1]) / (2 * by)

    assert learned.loss.item() == pytest.approx(value(), rel=1e-12)
    torch.testing.assert_close(learned.logits, network(image))
    for row in range(10):
        assert float(layer.bias.grad[row]) == pytest.approx(slope(bias, (row,)), abs=1e-8)
        for column in range(0, 64, 9):
            assert float(layer.weight.grad[row, column]) == pytest.approx(slope(weight, (row, column)), abs=1e-8)


# -- free -------------------------------------------------------------------------------------------------------------------


def free_by_hand(weight: Array, batches: list[tuple[Array, Array]], replays: int, rate: float) -> tuple[Array, Array]:
    """(delta, weight) of Shafahi et al.'s algorithm 1 for softmax(W x) under plain gradient descent; epsilon in [-1, 1]."""
    delta = np.zeros_like(batches[0][0])
    radius = 2 * EPSILON
    for image, target in batches:
        for _ in range(replays):
            x = np.clip(image + delta, -1, 1)
            power = np.exp(x @ weight.T)
            error = (power / power.sum(1, keepdims=True) - target) / len(x)
            delta = np.clip(delta + radius * np.sign(error @ weight), -radius, radius)
            weight = weight - rate * error.T @ x
    return delta, weight


@pytest.mark.parametrize("parts", [1, 2])
def test_free_delta_recurrence_by_hand(parts: int) -> None:
    model = model_of("free", "model.robust.replays=3")
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=False)).double()
    weight = network[1].weight
    start = weight.detach().numpy().copy()
    batches = [(image.double(), target.double()) for image, target in (batch(soft=True), batch(soft=False))]
    for iteration, (image, target) in enumerate(batches):
        for _ in range(model.robust.replays):
            for first in range(parts):
                rows = slice(first, None, parts)
                learned = model.robust.loss(network, image[rows], target[rows], draws_of(model, rows, iteration))
                (learned.loss / parts).backward()
            with torch.no_grad():
                weight -= 0.5 * weight.grad
                weight.grad = None
    plain = [(image.flatten(1).numpy(), target.numpy()) for image, target in batches]
    delta, expected = free_by_hand(start, plain, replays=3, rate=0.5)
    np.testing.assert_array_equal(model.robust.delta.flatten(1).numpy(), delta)  # type: ignore[union-attr, operator]
    np.testing.assert_allclose(weight.detach().numpy(), expected, atol=1e-7)  # the ball's bounds are float32


def test_free_counts_one_iteration_for_all_its_steps(tmp_path: Path, cache_dir: Path) -> None:
    settings = ["model/robust=free", "model.robust.replays=3", "trainer.max_steps=4", "trainer.val_check_interval=4"]
    places = [f"paths.cache_dir={cache_dir}", "optimizer@model.optimizer=sgd", "~model.optimizer.betas"]
    steps: list[int] = []
    config = compose(*SMALL, *settings, *places, run_dir=tmp_path / "run")
    original = torch.optim.SGD.step

    def step(self: torch.optim.SGD, *given: Any, **named: Any) -> Any:
        steps.append(1)
        return original(self, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.SGD, "step", step)
        result = train(config, tmp_path / "run")
    assert len(steps) == 12
    assert result["clock"] == {"iteration": 4, "images_seen": 4 * 64}


# -- runs -------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("robust", LEAVES)
def test_resumed_equals_uninterrupted(
    robust: str, tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.training.training.remember", lambda *_: None)  # what was typed; nothing was
    settings = [
        *SMALL, "model/schedule=constant", f"model/robust={robust}", "model/transform=[shift,mixup]",
        "model.backbone.width=2", "model.robust.val_images=20", "trainer.val_check_interval=2", f"paths.cache_dir={cache_dir}",
    ]  # fmt: skip

    def run(name: str, steps: int, *more: str) -> RunDir:
        train(compose(*settings, f"trainer.max_steps={steps}", *more, run_dir=tmp_path / name), tmp_path / name)
        return RunDir.open(tmp_path / name)

    straight = run("straight", 7)
    run("resumed", 3)
    resumed = run("resumed", 7, f"resume={tmp_path / 'resumed'}")
    weights = resumed.load_weights()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in straight.load_weights().items())
    assert resumed.result()["validation"] == straight.result()["validation"]
    best = [Runs().classifier(each, checkpoint="best").origin for each in (straight, resumed)]
    assert best[0]["weights_sha256"] == best[1]["weights_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "others",
    [
        ["data/mix=gaussian", "data.mix.fraction=0.7"],
        ["model.accumulate=2", "model.label_smoothing=0", "model/transform=[flip,cutmix]"],
        ["model=gan_classifier", "model.generator.width=4", "model.discriminator.width=4", "model.start=0"],
    ],
)
@pytest.mark.parametrize("robust", LEAVES)
def test_it_composes(robust: str, others: list[str], tmp_path: Path, cache_dir: Path) -> None:
    few = ["trainer.max_steps=2", "trainer.val_check_interval=1", "model.robust.val_images=20", "data.batch_size=20"]
    chosen = [f"model/robust={robust}", *others, *few, f"paths.cache_dir={cache_dir}"]
    result = train(compose(*SMALL, *chosen, run_dir=tmp_path / "run"), tmp_path / "run")
    assert result["clock"]["iteration"] == 2
    measured = result["metrics"]["val/robust_accuracy/pgd@8/255"]
    assert measured["protocol"]["images"] == 20
    assert result["validation"]["last"]["value"] == measured["value"]
    if "data/mix=gaussian" in others:
        assert result["data"]["origin"]["mix"]["per_batch"] == 14


def test_val_accuracy_is_that_of_the_averaged_network_under_pgd(tmp_path: Path, cache_dir: Path) -> None:
    chosen = ["model/robust=pgd_at", "model.robust.val_images=50", "model.robust.val_steps=3", "model.robust.steps=1"]
    few = ["trainer.max_steps=15", "trainer.val_check_interval=15", f"paths.cache_dir={cache_dir}"]
    run = RunDir(tmp_path / "run")
    result = train(compose(*SMALL, *chosen, *few, run_dir=run.path), run.path)
    settings = run.config
    data = build(settings["data"], section="data")
    data.setup("fit")
    image, label = data.whole("val")
    rows = subset(len(label), 50)
    assert len(rows) == 50 == len(set(rows.tolist()))
    attack = build_model(settings).robust.validation  # type: ignore[union-attr]
    outcome = evaluate(
        attack, Target(Runs().classifier(run).network, rows=None), normalise(image[rows]), label[rows],  # type: ignore[arg-type]
        index=rows, seed=seed_of("robust validation", 1), batch_size=256,
    )  # fmt: skip
    assert result["metrics"]["val/robust_accuracy/pgd@8/255"] == {
        "value": pytest.approx(outcome.accuracy), "std": None, "interval": None, "direction": "higher",
        "protocol": {"split": "val", "images": 50, "network": "ema", "attack": "PGD", "norm": "linf", "epsilon": 8 / 255,
                     "steps": 3},
    }  # fmt: skip
    assert 0 < outcome.accuracy < float(outcome.clean.float().mean())


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
