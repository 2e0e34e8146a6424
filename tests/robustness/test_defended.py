"""attack.py on every kind of classifier that the project trains, the defended one among them."""

from pathlib import Path

import pytest
import torch

from sparring.core.errors import ConfigError, DataError
from sparring.data.serving import provenance
from sparring.run.directory import RunDir
from sparring.stage.attack import attack
from sparring.stage.train import train
from sparring.trained.runs import Runs
from tests.conftest import compose
from tests.stage.test_attack import settings

SMALL = ["data.image_size=8", "report=false", "trainer.accelerator=cpu"]
TINY = [*SMALL, "model.generator.width=4", "model.discriminator.width=4"]
APPLY = r"attacks that apply are attack=bpda, attack=square and attack=transfer\.$"
TARGETS = {
    "cnn": ["model=classifier", "model/backbone=cnn", *SMALL],
    "ssgan": ["model=ssgan", "data.labels_per_class=2", "model.generator.width=4", *SMALL],
    "acgan": ["model=acgan", *TINY],
    "robgan": ["model=robgan", *TINY],
    "multi_hinge": ["model/head=multi_hinge", *TINY],
    "tac": ["model/head=tac", *TINY],
    "reacgan": ["model=reacgan", *TINY],
    "contragan": ["model/head=contragan", *TINY],
    "gan_classifier": ["model=gan_classifier", *TINY],
}


def trained(run: Path, cache_dir: Path, *overrides: str, steps: int = 1) -> Path:
    config = compose(*overrides, f"trainer.max_steps={steps}", f"paths.cache_dir={cache_dir}", run_dir=run)
    train(config, run)
    return run


FEW = ("cnn", "acgan")  # the others' heads are in tests/model/test_head.py


@pytest.mark.parametrize(
    "kind", [each if each in FEW else pytest.param(each, marks=pytest.mark.slow) for each in TARGETS]
)
def test_every_kind_of_classifier_is_attackable(kind: str, cache_dir: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", cache_dir, *TARGETS[kind])
    few = ["attack=pgd", "attack.steps=2", "count=20", "epsilon=0.2"]
    result = attack(settings(run, cache_dir, tmp_path / "out", *few), tmp_path / "out")
    assert len(result["classes"]) == 10
    assert not any("random" in flag for flag in result["flags"])
    assert result["defence"] is None
    head = kind in ("acgan", "robgan", "multi_hinge", "tac", "reacgan", "contragan")
    assert result["protocol"]["weights"] == ("as trained" if head else "averaged")
    loaded = Runs().classifier(RunDir(run))
    assert loaded.network(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    return trained(tmp_path_factory.mktemp("cnn") / "run", cache_dir, "model=classifier", *SMALL, steps=60)


@pytest.fixture(scope="session")
def generator(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    return trained(tmp_path_factory.mktemp("gan") / "run", cache_dir, *TINY, steps=2)


def purified(generator: Path) -> list[str]:
    few = ["defence.restarts=1", "defence.steps=3", "count=12", "epsilon=0.2", "rows=4", "probe=4"]
    return ["defence=purify", f"defence.generator={generator}", *few]


@pytest.mark.slow
def test_a_defended_classifier_is_attackable_and_its_flags_are_right(
    classifier: Path, generator: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = [
        *purified(generator),
        "attack=defended",
        "attack.transfer.attack.steps=2",
        "attack.bpda.steps=2",
        "attack.choice.steps=2",
    ]
    result = attack(settings(classifier, cache_dir, tmp_path / "a", *keys), tmp_path / "a")
    assert list(result["attacks"]) == ["transfer", "bpda", "choice"]
    assert not any("random" in flag or "takes the defence into account" in flag for flag in result["flags"])
    record = result["defence"]
    alone = attack(settings(classifier, cache_dir, tmp_path / "b", "attack=fgsm", "count=12"), tmp_path / "b")
    assert record["undefended_accuracy"] == pytest.approx(alone["clean"]["accuracy"])
    assert 0 < record["reconstruction_rms"] < 1
    assert 0 <= record["class_rebuilt"] <= 1
    assert record["generator"]["run"] == str(generator)
    assert result["protocol"]["defence"]["steps"] == 3
    assert "Without defence" in (tmp_path / "a" / "report.html").read_text()
    again = attack(settings(classifier, cache_dir, tmp_path / "c", *keys, "batch_size=5"), tmp_path / "c")
    assert again["defence"] == record
    assert [(row["accuracy"], row["mean_l2"]) for rows in again["attacks"].values() for row in rows] == [
        (row["accuracy"], row["mean_l2"]) for rows in result["attacks"].values() for row in rows
    ]


@pytest.mark.slow
def test_an_attack_that_knows_no_defence_is_flagged_or_refused(
    classifier: Path, generator: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = [*purified(generator), "attack=transfer", f"attack.run={classifier}", "attack.attack.steps=2"]
    result = attack(settings(classifier, cache_dir, tmp_path / "a", *keys), tmp_path / "a")
    assert [flag for flag in result["flags"] if flag.endswith("add attack=bpda.")]
    for choice in ("fgsm", "pgd", "apgd", "fab", "ensemble", "default"):
        out = tmp_path / choice
        plain = settings(classifier, cache_dir, out, *purified(generator), f"attack={choice}")
        with pytest.raises(ConfigError, match=APPLY):
            attack(plain, out)
    with pytest.raises(ConfigError, match="there is none here; give defence=purify"):
        attack(settings(classifier, cache_dir, tmp_path / "b", "attack=bpda"), tmp_path / "b")


@pytest.mark.slow
def test_a_generator_of_other_images_or_one_that_saw_them_is_refused(
    classifier: Path, generator: Path, cache_dir: Path, tmp_path: Path
) -> None:
    larger = [each for each in TINY if "image_size" not in each]
    other = trained(tmp_path / "large", cache_dir, *larger, "data.image_size=16")
    with pytest.raises(ConfigError, match=r"draws images of 1 x 16 x 16 and .* sees 1 x 8 x 8"):
        attack(settings(classifier, cache_dir, tmp_path / "a", *purified(other), "attack=bpda"), tmp_path / "a")
    val = ["split=val", "attack=bpda", "attack.steps=2"]
    leaky = trained(tmp_path / "leaky", cache_dir, *TINY, "data.split_seed=7")
    with pytest.raises(DataError, match=r"was trained on \d+ of the \d+ val images"):
        attack(settings(classifier, cache_dir, tmp_path / "b", *purified(leaky), *val), tmp_path / "b")
    (leaky / provenance.FILE).unlink()
    with pytest.raises(DataError, match="does not say which images it was trained on"):
        attack(settings(classifier, cache_dir, tmp_path / "c", *purified(leaky), *val), tmp_path / "c")
