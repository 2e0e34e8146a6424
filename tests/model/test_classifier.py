"""Classifier: the step, its average, validation, and the run read back."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from sparring.config.build import build
from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.pixels import normalise
from sparring.core.types import Batch
from sparring.metric.classification import unpacked
from sparring.model.classifier import Classifier, balancing_weights, logits_of
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.trained.runs import Runs, build_model
from sparring.trained.scorer import RunScorers
from tests.conftest import TINY, command, compose

SMALL = ["model=classifier", "data.image_size=8", "model.backbone.width=4", "report=false"]


def trained(folder: Path, cache_dir: Path, *overrides: str) -> Path:
    config = compose(*SMALL, f"paths.cache_dir={cache_dir}", *overrides, run_dir=folder)
    train(config, folder)
    return folder


def test_a_run_learns_digits_and_is_read_back(tmp_path: Path, cache_dir: Path) -> None:
    run = RunDir.open(trained(tmp_path / "run", cache_dir, "trainer.max_steps=120", "trainer.val_check_interval=60"))
    result = run.result()
    test, accuracy = result["classification"]["test"], result["metrics"]["test/accuracy"]["value"]
    assert accuracy > 0.8
    assert test["images"] == 355 == sum(map(sum, test["confusion"]))
    assert float(unpacked(test["right"], 355).double().mean()) == accuracy
    loaded = Runs().classifier(run)
    assert (loaded.channels, loaded.image_size, len(loaded.class_names)) == (1, 8, 10)
    data = build(run.config["data"], section="data")
    data.setup("fit")
    whole = data.whole("test")
    logits = logits_of(loaded.network, whole.image, torch.device("cpu"))
    assert float((logits.argmax(1) == whole.label).double().mean()) == accuracy
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


def test_balancing_weights_give_every_class_the_same_part_of_the_loss() -> None:
    share = torch.tensor([0.6, 0.3, 0.1, 0.0])
    weight = balancing_weights(share)
    torch.testing.assert_close(weight * share, torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.0]))
    assert float((weight * share).sum()) == pytest.approx(1)


def test_a_weighted_step_has_the_gradient_of_torchs_weighted_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model(compose(*SMALL, "model.class_weights=balanced", "model.label_smoothing=0"))
    assert isinstance(model, Classifier)
    model.class_weight, model.batch_size = torch.arange(1.0, 11.0), 6
    image, label = torch.randn(6, 1, 8, 8), torch.tensor([0, 3, 3, 9, 5, 0])
    logits = model.network(image)
    expected = torch.autograd.grad(
        cross_entropy(logits, label, weight=model.class_weight, reduction="sum") / 6, model.network.head.weight
    )
    gradients: list[torch.Tensor] = []
    monkeypatch.setattr(model, "begin_iteration", lambda chunk: None)
    monkeypatch.setattr(model, "manual_backward", lambda loss: loss.backward())
    monkeypatch.setattr(model, "step_player", lambda name, **more: gradients.append(model.network.head.weight.grad))
    model.training_step({"classifier": [Batch(image, label)]}, 0)
    torch.testing.assert_close(gradients[0], expected[0])


@pytest.mark.parametrize(
    ("mix", "shares"),
    [
        ([], (100 / 110, 10 / 110)),
        (["data/mix=replay", "data.mix.fraction=0.5"], (0.5 * 100 / 110 + 0.25, 0.5 * 10 / 110 + 0.25)),
    ],
)
def test_class_weights_know_the_classes_of_the_whole_batch(
    mix: list[str], shares: tuple[float, float], cache_dir: Path
) -> None:
    few = ["data.classes=[0,1]", "data.labels_per_class=100", "data.imbalance=10", "data.batch_size=20"]
    config = compose(*SMALL, *few, *mix, "model.class_weights=balanced", f"paths.cache_dir={cache_dir}")
    data, model = build(config.data, section="data"), build_model(config)
    data.setup("fit")
    data.prepare_mix(RunScorers(Runs(cache_dir)))
    model.prepare(data)
    torch.testing.assert_close(model.class_weight, torch.tensor([1 / (2 * share) for share in shares]))


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
    with pytest.raises(ConfigError, match="class_weights=rare must be balanced or null"):
        build_model(compose(*SMALL, "model.class_weights=rare"))
    with pytest.raises(ConfigError, match=r"model\.backbone"):
        build_model(compose(*SMALL, "model.backbone.channels=3"))
    config = compose(
        *TINY, "trainer.max_steps=1", f"paths.cache_dir={cache_dir}", "report=false", run_dir=tmp_path / "gan"
    )
    train(config, tmp_path / "gan")
    with pytest.raises(CheckpointError, match="holds no classifier"):
        Runs().classifier(RunDir.open(tmp_path / "gan"))
