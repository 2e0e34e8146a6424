"""Three players: who sees what, in which share, and whose weights move."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.gan_classifier import GANClassifier
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.trained.runs import Runs, build_model
from tests.conftest import TINY, command, compose

SMALL = ["model=gan_classifier", *TINY[:3], "model.backbone.width=4"]


class Fixed(nn.Module):
    """A generator whose image shows its label."""

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return (label.float() + 100)[:, None, None, None].expand(-1, 1, 8, 8)


def model_of(*overrides: str, count: int = 10) -> GANClassifier:
    model = build_model(compose(*SMALL, *overrides))
    assert isinstance(model, GANClassifier)
    model.batch_size = count
    return model


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 0), (0.25, 2), (0.5, 5), (1.0, 10)])
def test_the_batch_holds_exactly_its_share_of_generated_images(fraction: float, expected: int) -> None:
    model = model_of()
    model.ema = Fixed()
    image, label = torch.zeros(10, 1, 8, 8), torch.arange(10)
    mixed = model.mixed(image, label, model.draws("classifier", 4), fraction)[:, 0, 0, 0]
    fakes = mixed != 0
    assert int(fakes.sum()) == expected
    assert torch.equal(mixed[fakes], label[fakes] + 100.0)  # for the label of the image that it replaces
    other = model.mixed(image, label, model.draws("classifier", 5), 0.5)[:, 0, 0, 0]
    assert fraction != 0.5 or not torch.equal(other, mixed)


def test_two_devices_replace_the_images_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of()
    image, label = torch.randn(10, 1, 8, 8), torch.arange(10)
    whole = model.mixed(image, label, model.draws("classifier", 0), 0.5)
    shares = []
    for rank in range(2):
        monkeypatch.setattr("sparring.model.game.rank_and_world", lambda module, rank=rank: (rank, 2))
        rows = slice(5 * rank, 5 * rank + 5)
        shares.append(model.mixed(image[rows], label[rows], model.draws("classifier", 0), 0.5))
    torch.testing.assert_close(torch.cat(shares), whole)


def step(model: GANClassifier, part: Mapping[str, list[Batch]]) -> dict[str, list[Tensor]]:
    """One iteration with SGD of rate 1 in place of the trainer; returns each player's gradient."""
    gradients: dict[str, list[Tensor]] = {}

    def step_player(player: str, *, counted: bool = True) -> None:
        network = getattr(model, player)
        gradients[player] = [p.grad.clone() for p in network.parameters() if p.grad is not None]
        network.zero_grad(set_to_none=True)

    model.begin_iteration = lambda chunk: None  # type: ignore[method-assign]
    model.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign, misc]
    model.step_player = step_player  # type: ignore[method-assign]
    model.training_step(part, 0)
    return gradients


def batch(size: int = 10) -> dict[str, list[Batch]]:
    draws = torch.Generator().manual_seed(0)
    return {
        name: [Batch(torch.rand(size, 1, 8, 8, generator=draws) * 2 - 1, torch.arange(size) % 10)]
        for name in ("discriminator", "generator", "classifier")
    }


def test_before_the_start_the_classifier_learns_from_real_images_alone() -> None:
    model = model_of("model.start=0.5", "model.label_smoothing=0")
    model.backbone.eval()  # no BatchNorm statistics
    part = batch()
    expected = torch.autograd.grad(
        cross_entropy(model.backbone(part["classifier"][0].image), part["classifier"][0].label),
        list(model.backbone.parameters()),
    )
    model.training = False
    for ours, theirs in zip(step(model, part)["backbone"], expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    model.clock.iteration = model.budget = 1  # the whole budget spent: now with generated images
    later = step(model, part)["backbone"]
    assert not torch.allclose(later[0], expected[0])


def test_feedback_adds_its_gradient_to_g_and_leaves_the_classifier_alone() -> None:
    gradients = []
    for weight in (0.0, 0.5, 1.0):
        torch.manual_seed(0)
        model = model_of(f"model.feedback={weight}", "model.fraction=0")
        gradients.append(step(model, batch()))
    none, half, full = ([*each["generator"]] for each in gradients)
    assert any(not torch.allclose(a, c) for a, c in zip(none, full, strict=True))
    for a, b, c in zip(none, half, full, strict=True):
        torch.testing.assert_close(b - a, (c - a) / 2, atol=1e-6, rtol=1e-3)
    for player in ("backbone", "discriminator"):
        for a, c in zip(gradients[0][player], gradients[2][player], strict=True):
            torch.testing.assert_close(a, c)


@pytest.mark.slow
def test_a_run_is_read_back_as_generator_and_as_classifier(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "run"
    settings = ["trainer.max_steps=6", "trainer.val_check_interval=3", "model.start=0.5", "report=false"]
    train(compose(*SMALL, *settings, f"paths.cache_dir={cache_dir}", run_dir=folder), folder)
    run = RunDir.open(folder)
    result = run.result()
    assert result["clock"] == {"iteration": 6, "images_seen": 6 * 64}
    assert set(result["parameters"]) == {"generator", "discriminator", "backbone"}
    assert result["classification"]["test"]["images"] == 355
    loaded = Runs().classifier(run)
    stored = run.load_weights()
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, stored[f"backbone_ema.{name}"])
    assert Runs().generator(run).num_classes == 10


@pytest.mark.slow
def test_resumed_equals_uninterrupted(tmp_path: Path, cache_dir: Path) -> None:
    constant = [*SMALL, "model/schedule@model.classifier_schedule=constant", "model.start=0", "report=false"]
    augmented = ["model/transform=[shift,mixup]", f"paths.cache_dir={cache_dir}", f"paths.log_dir={tmp_path}"]
    for name, steps in (("straight", 8), ("resumed", 3)):
        command(*constant, *augmented, f"trainer.max_steps={steps}", f"hydra.run.dir={tmp_path / name}")
    command(f"resume={tmp_path / 'resumed'}", "trainer.max_steps=8")
    resumed = RunDir.open(tmp_path / "resumed").load_weights()
    for name, tensor in RunDir.open(tmp_path / "straight").load_weights().items():
        assert torch.equal(tensor, resumed[name]), name


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="pseudo-labeller"):
        model_of("model/conditioning=none", "model/head=none")
    with pytest.raises(ConfigError, match=r"fraction=1\.5"):
        model_of("model.fraction=1.5")
    with pytest.raises(ConfigError, match="feedback=-1"):
        model_of("model.feedback=-1")
    with pytest.raises(ConfigError, match=r"model\.backbone"):
        model_of("model.backbone.channels=3")
