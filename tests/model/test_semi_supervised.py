"""The semi-supervised game: its arms, streams, noise, and the run read back as classifier and as generator."""

from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.config.build import build
from sparring.core.errors import CheckpointError, ConfigError
from sparring.model.classifier import logits_of
from sparring.model.layer.noise import GaussianNoise, noise_from
from sparring.model.layer.weight_norm import normalised
from sparring.model.semi_supervised import SemiSupervisedGAN
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.trained.runs import Runs, build_model
from tests.conftest import command, compose, read_run

SMALL = [
    "model=ssgan", "data.image_size=8", "data.labels_per_class=2", "data.batch_size=32", "model.backbone.widths=[32,16]",
    "model.generator.width=16", "report=false",
]  # fmt: skip


def trained(folder: Path, cache_dir: Path, *overrides: str) -> Path:
    train(compose(*SMALL, f"paths.cache_dir={cache_dir}", *overrides, run_dir=folder), folder)
    return folder


def built(*overrides: str) -> SemiSupervisedGAN:
    model = build_model(compose(*SMALL, *overrides))
    assert isinstance(model, SemiSupervisedGAN)
    return model


@pytest.mark.slow
def test_a_run_is_a_classifier_and_a_generator(tmp_path: Path, cache_dir: Path) -> None:
    run = RunDir.open(trained(tmp_path / "run", cache_dir, "trainer.max_steps=150", "trainer.val_check_interval=75"))
    result = run.result()
    accuracy = result["metrics"]["test/accuracy"]["value"]
    assert accuracy > 0.5  # 20 labels
    assert result["classification"]["network"] == "discriminator_ema"
    assert result["clock"] == {"iteration": 150, "images_seen": 150 * 32}
    loaded = Runs().classifier(run)
    data = build(run.config["data"], section="data")
    data.setup("fit")
    whole = data.whole("test")
    logits = logits_of(loaded.network, whole.image, torch.device("cpu"))
    assert float((logits.argmax(1) == whole.label).double().mean()) == accuracy
    drawn = Runs().generator(run)
    assert drawn.class_names == ()
    assert drawn.network(torch.randn(3, drawn.latent_dim), torch.zeros(3, dtype=torch.int64)).shape == (3, 1, 8, 8)
    origin = result["data"]["origin"]
    assert (origin["unlabelled"], origin["unlabelled_includes_labelled"]) == (1299, True)
    assert "unlabelled" in drawn.origin["fingerprints"]


def test_the_labels_only_arm_reads_no_unlabelled_image_and_starts_from_the_same_weights(
    tmp_path: Path, cache_dir: Path
) -> None:
    run = RunDir.open(trained(tmp_path / "run", cache_dir, "trainer.max_steps=3", "model.supervised_only=true"))
    result = run.result()
    assert result["clock"] == {"iteration": 3, "images_seen": 3 * 32}
    assert "unlabelled" not in result["data"]["origin"]
    assert set(result["data"]["fingerprints"]) == {"train", "val", "test"}
    assert {name.partition(".")[0] for name in run.load_weights()} == {"discriminator", "discriminator_ema"}
    with pytest.raises(CheckpointError, match="holds no generator"):
        Runs().generator(run)
    arms = []
    for arm in ("false", "true"):
        torch.manual_seed(1)
        arms.append(built(f"model.supervised_only={arm}").discriminator.state_dict())
    assert all(torch.equal(tensor, arms[1][name]) for name, tensor in arms[0].items())


@pytest.mark.slow
def test_labels_of_unlabelled_images_change_nothing(tmp_path: Path, cache_dir: Path) -> None:
    """Weight 0 on what unlabelled images teach leaves the labels-only arm, bit for bit."""
    off = ["trainer.max_steps=4"]
    with_them = read_run(trained(tmp_path / "a", cache_dir, *off, "model.unlabelled_weight=0"))
    without = read_run(trained(tmp_path / "b", cache_dir, *off, "model.supervised_only=true"))
    for name, tensor in without.weights.items():
        assert torch.equal(tensor, with_them.weights[name]), name


@pytest.mark.slow
def test_resumed_equals_uninterrupted(tmp_path: Path, cache_dir: Path) -> None:
    common = [
        *SMALL,
        "model/schedule=constant",
        "model.entropy=0.1",
        "model.pull_away=0.5",
        f"paths.cache_dir={cache_dir}",
    ]
    for name, steps in (("straight", 12), ("resumed", 5)):
        command(*common, f"trainer.max_steps={steps}", f"paths.log_dir={tmp_path}", f"hydra.run.dir={tmp_path / name}")
    command(f"resume={tmp_path / 'resumed'}", "trainer.max_steps=12")
    resumed = RunDir.open(tmp_path / "resumed").load_weights()
    for name, tensor in RunDir.open(tmp_path / "straight").load_weights().items():
        assert torch.equal(tensor, resumed[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["mlp", "conv"])
def test_two_processes_equal_one(backbone: str, tmp_path: Path, cache_dir: Path) -> None:
    """Noise, feature matching and pull-away are those of the whole batch; a labelled chunk of 20 is cut in two as well."""
    widths = ["model.backbone.widths=[32,16]"] if backbone == "mlp" else ["model.backbone.width=4"]
    common = [
        "model=ssgan", f"model/backbone={backbone}", "data.image_size=8", "data.labels_per_class=2", "data.batch_size=32",
        *widths, "model.generator.width=16", "model.entropy=0.1", "model.pull_away=0.5", "report=false",
        "trainer.precision=64-true", "trainer.max_steps=5", "trainer.val_check_interval=5", "trainer.accelerator=cpu",
        f"paths.cache_dir={cache_dir}", f"paths.log_dir={tmp_path}",
    ]  # fmt: skip
    for devices in (1, 2):
        command(*common, f"trainer.devices={devices}", f"hydra.run.dir={tmp_path / str(devices)}")
    one, two = (read_run(tmp_path / devices) for devices in ("1", "2"))
    assert one.weights.keys() == two.weights.keys()
    for name, tensor in one.weights.items():
        torch.testing.assert_close(two.weights[name], tensor, rtol=1e-6, atol=1e-8, msg=name)
    for key in ("loss/generator", "loss/labelled", "loss/unlabelled", "loss/pull_away", "val/accuracy"):
        assert float(two.metrics[-1][key]) == pytest.approx(float(one.metrics[-1][key]), rel=1e-6), key


def test_noise_is_drawn_for_the_whole_batch_and_only_in_training() -> None:
    layer = GaussianNoise(0.5)
    x = torch.zeros(6, 400, dtype=torch.float64)

    def noisy(rows: torch.Tensor, rank: int, world: int) -> torch.Tensor:
        with noise_from(layer, torch.Generator().manual_seed(3), rank, world):
            return layer(rows)

    whole = noisy(x, 0, 1)
    assert torch.equal(whole, torch.cat([noisy(x[:3], 0, 2), noisy(x[3:], 1, 2)]))
    assert whole.std().item() == pytest.approx(0.5, rel=0.05)
    with pytest.raises(RuntimeError, match="noise_from"):
        layer(x)
    assert layer.eval()(x) is x


def test_weight_norm_keeps_directions_apart_from_size() -> None:
    layer = normalised(torch.nn.Linear(200, 50), 1.5)
    torch.testing.assert_close(layer.weight.norm(dim=1), torch.full((50,), 1.5))
    x = torch.randn(2000, 200, generator=torch.Generator().manual_seed(0))
    assert layer(x).square().mean().sqrt().item() == pytest.approx(1.5, rel=0.05)
    layer(x).square().mean().backward()
    direction: Any = layer.parametrizations["weight"].original1
    # v moves at right angles to itself (Salimans and Kingma 2016, equation 3).
    assert ((direction.grad * direction).sum(1).abs() < 1e-4 * direction.norm(dim=1)).all()


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="model/conditioning=none"):
        built("model/conditioning=concat")
    with pytest.raises(ConfigError, match="accumulate=2"):
        built("model.accumulate=2")
    with pytest.raises(ConfigError, match="pull_away=-1"):
        built("model.pull_away=-1")
    with pytest.raises(ConfigError, match=r"model\.generator draws images"):
        built("model.generator.channels=3")
