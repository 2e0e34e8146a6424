"""Runs with adversarial training: iterations, resume, other settings beside it, the accuracy that is recorded."""

from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.attack.evaluation.evaluate import evaluate, subset
from sparring.attack.evaluation.target import Target
from sparring.config.build import build
from sparring.core.measurement import wilson_interval
from sparring.core.pixels import normalise
from sparring.core.randomness import seed_of
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.trained.runs import Runs, build_model
from tests.conftest import compose
from tests.model.adversarial import LEAVES, SMALL


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
        "value": pytest.approx(outcome.accuracy), "std": None, "direction": "higher",
        "interval": pytest.approx(wilson_interval(round(50 * outcome.accuracy), 50)),
        "protocol": {"split": "val", "images": 50, "network": "ema", "attack": "PGD", "norm": "linf", "epsilon": 8 / 255,
                     "steps": 3, "interval": "95 % Wilson, over images"},
    }  # fmt: skip
    assert 0 < outcome.accuracy < float(outcome.clean.float().mean())
