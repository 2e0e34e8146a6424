"""The best validation is kept, the run may stop when it is long past, and both are on record."""

from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.core.errors import CheckpointError, ConfigError
from sparring.model.robust_validation import ROBUST, RobustHeldOut
from sparring.run.directory import RunDir
from sparring.stage.attack import attack
from sparring.stage.train import train
from sparring.trained.runs import Runs
from sparring.training.training import Training
from tests.conftest import compose

SETTINGS = [
    "model=classifier", "model.backbone.width=2", "model/schedule=constant", "model/robust=fast", "data.image_size=8",
    "data.batch_size=8", "trainer.accelerator=cpu", "trainer.max_steps=6", "trainer.val_check_interval=1",
    "callback.checkpoint.every=100",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_report", lambda training: training.run.report)


def run(
    folder: Path, cache_dir: Path, script: list[float], monkeypatch: pytest.MonkeyPatch, *overrides: str
) -> dict[str, Any]:
    """A run whose robust accuracies are those of a script."""
    values = iter(script)
    monkeypatch.setattr(RobustHeldOut, "scalars", lambda *_: {ROBUST: next(values)})
    return train(compose(*SETTINGS, *overrides, f"paths.cache_dir={cache_dir}", run_dir=folder), folder)


@pytest.mark.slow
def test_the_best_weights_are_those_of_the_best_validation(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(tmp_path / "run", cache_dir, [0.1, 0.3, 0.6, 0.6, 0.2, 0.5], monkeypatch)
    assert result["validation"] == {
        "metric": ROBUST,
        "best": {"iteration": 3, "images_seen": 24, "value": 0.6},  # the first of two equal ones
        "last": {"iteration": 6, "images_seen": 48, "value": 0.5},
    }
    assert (result["stopped"], result["clock"]["iteration"], result["weights"]["iteration"]) == ("budget", 6, 6)
    run(tmp_path / "until", cache_dir, [0.0] * 3, monkeypatch, "trainer.max_steps=3")
    trained, until = RunDir.open(tmp_path / "run"), RunDir.open(tmp_path / "until")
    best = Runs().classifier(trained, checkpoint="best")
    assert best.origin["iteration"] == 3
    for name, tensor in best.network.state_dict().items():
        assert torch.equal(tensor, until.load_weights()[f"ema.{name}"]), name
    assert Runs().classifier(trained).origin["iteration"] == 6
    assert torch.load(trained.checkpoints / "best.ckpt", weights_only=True)["clock"]["iteration"] == 3
    config = compose(
        f"run={trained.path}", "checkpoint=best", "attack=fgsm", "count=20", "epsilon=0.1", "device=cpu", "probe=0",
        f"paths.cache_dir={cache_dir}", config="attack", run_dir=tmp_path / "attack",
    )  # fmt: skip
    assert attack(config, tmp_path / "attack")["classifier"]["iteration"] == 3


def test_patience_stops_the_run_and_its_state_is_saved(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(tmp_path / "run", cache_dir, [0.1, 0.3, 0.3, 0.2, 0.4], monkeypatch, "callback.best.patience=2")
    assert result["stopped"] == f"no longer improving: {ROBUST} has not improved on 0.3 in 2 validations"
    assert result["clock"]["iteration"] == 4
    assert "test/accuracy" in result["metrics"]
    status = RunDir(tmp_path / "run").status() or {}
    assert (status["state"], status["exit_code"]) == ("finished", 0)
    saved = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["clock"]["iteration"] == 4


@pytest.mark.slow
def test_runs_without_a_robust_accuracy_keep_no_best(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ["model/robust=none", "trainer.max_steps=2", f"paths.cache_dir={cache_dir}"]
    result = train(compose(*SETTINGS, *few, run_dir=tmp_path / "run"), tmp_path / "run")
    assert result["validation"] is None
    with pytest.raises(CheckpointError, match=r"kept no best weights: .* model/robust=pgd_at"):
        Runs().classifier(RunDir.open(tmp_path / "run"), checkpoint="best")
    with pytest.raises(ConfigError, match="checkpoint=newest is unknown"):
        Runs().classifier(RunDir.open(tmp_path / "run"), checkpoint="newest")
    plain = [*few, "callback.best.metric=val/accuracy"]
    found = train(compose(*SETTINGS, *plain, run_dir=tmp_path / "plain"), tmp_path / "plain")["validation"]
    assert found["metric"] == "val/accuracy"
    assert Runs().classifier(RunDir.open(tmp_path / "plain"), checkpoint="best").origin["iteration"] > 0


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["callback.best.patience=0"], r"callback\.best\.patience=0 counts validations"),
        (["model/robust=none", "callback.best.patience=2"], "waits for val/robust_accuracy, which this run has not"),
        (["callback.best.metric=val/acuracy"], r"val/acuracy is not measured; choose among val/accuracy, val/cross_entropy and"),
        (
            ["model=gan_classifier", "model/robust=fast", "callback=[default,quality]", "model.generator.width=4",
             "model.discriminator.width=4", "callback.quality.features.run=none"],
            "would both keep their best weights",
        ),
    ],
)  # fmt: skip
def test_bad_settings_are_one_sentence(overrides: list[str], sentence: str, tmp_path: Path, cache_dir: Path) -> None:
    settings = [each for each in SETTINGS if "model/schedule" not in each and "robust" not in each]
    chosen = [*settings, "model/robust=fast", *overrides, f"paths.cache_dir={cache_dir}"]
    with pytest.raises(ConfigError, match=sentence):
        train(compose(*chosen, run_dir=tmp_path / "run"), tmp_path / "run")
