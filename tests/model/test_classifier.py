"""Classifier: the step, its average, validation, and the run read back."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from sparring.build import build, build_model
from sparring.data.augment import normalise
from sparring.errors import CheckpointError, ConfigError
from sparring.model.classifier import Classifier, logits_of
from sparring.run_dir import RunDir
from sparring.stage.load import load_classifier
from sparring.stage.train import train
from tests.conftest import TINY, command, compose

SMALL = ["model=classifier", "data.image_size=8", "model.backbone.width=4", "report=false"]


def trained(folder: Path, cache_dir: Path, *overrides: str) -> Path:
    config = compose(*SMALL, f"paths.cache_dir={cache_dir}", *overrides, run_dir=folder)
    train(config, folder)
    return folder


def test_a_run_learns_digits_and_is_read_back(tmp_path: Path, cache_dir: Path) -> None:
    run = RunDir.open(trained(tmp_path / "run", cache_dir, "trainer.max_steps=120", "trainer.val_check_interval=60"))
    test = run.result()["metrics"]["test"]
    assert test["accuracy"] > 0.8
    assert test["images"] == 355 == sum(map(sum, test["confusion"]))
    loaded = load_classifier(run, extensions=[])
    assert (loaded.channels, loaded.image_size, len(loaded.class_names)) == (1, 8, 10)
    data = build(run.config.data, section="data")
    data.setup("fit")
    whole = data.whole("test")
    logits = logits_of(loaded.network, whole.image, torch.device("cpu"))
    assert float((logits.argmax(1) == whole.label).double().mean()) == test["accuracy"]
    assert loaded.origin["fingerprints"] == data.fingerprints()


@pytest.mark.slow
def test_resumed_equals_uninterrupted(tmp_path: Path, cache_dir: Path) -> None:
    constant = [*SMALL, "model/schedule=constant", f"paths.cache_dir={cache_dir}"]
    for name, steps in (("straight", 12), ("resumed", 5)):
        command(
            *constant, f"trainer.max_steps={steps}", f"paths.log_dir={tmp_path}", f"hydra.run.dir={tmp_path / name}"
        )
    command(f"resume={tmp_path / 'resumed'}", "trainer.max_steps=12")
    resumed = RunDir.open(tmp_path / "resumed").load_weights()
    for name, tensor in RunDir.open(tmp_path / "straight").load_weights().items():
        assert torch.equal(tensor, resumed[name]), name


def test_loss_is_smoothed_cross_entropy() -> None:
    logits, label = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0])
    target = torch.full((5, 4), 0.1 / 4, dtype=torch.float64)
    target[torch.arange(5), label] += 0.9
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(cross_entropy(logits, label, label_smoothing=0.1), expected)


def test_average_is_judged_and_stays_in_eval_mode() -> None:
    model = build_model(compose(*SMALL))
    assert isinstance(model, Classifier)
    model.train()
    assert model.network.training
    assert not model.ema.training
    assert model.classifier() is model.ema


def test_logits_do_not_depend_on_the_batch() -> None:
    model = build_model(compose(*SMALL))
    image = torch.randint(0, 256, (7, 1, 8, 8), dtype=torch.uint8)
    whole = logits_of(model.classifier(), image, torch.device("cpu"))
    torch.testing.assert_close(model.classifier()(normalise(image[3:4])), whole[3:4])


def test_refusals(tmp_path: Path, cache_dir: Path) -> None:
    with pytest.raises(ConfigError, match="label_smoothing=1"):
        build_model(compose(*SMALL, "model.label_smoothing=1"))
    with pytest.raises(ConfigError, match=r"model\.backbone"):
        build_model(compose(*SMALL, "model.backbone.channels=3"))
    config = compose(
        *TINY, "trainer.max_steps=1", f"paths.cache_dir={cache_dir}", "report=false", run_dir=tmp_path / "gan"
    )
    train(config, tmp_path / "gan")
    with pytest.raises(CheckpointError, match="holds no classifier"):
        load_classifier(RunDir.open(tmp_path / "gan"), extensions=[])
