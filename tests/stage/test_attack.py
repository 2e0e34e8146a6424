"""attack.py on a classifier trained for a second on digits: what it writes, and how it refuses."""

import json
from pathlib import Path

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.config.build import build
from sparring.config.plain import plain
from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.corruption.table import CORRUPTIONS
from sparring.report.attack import attack_report
from sparring.robustness.attacks import named_attacks
from sparring.robustness.settings import corruption_names, strengths
from sparring.run.directory import RunDir
from sparring.stage.attack import attack
from sparring.stage.train import train
from sparring.trained.runs import Runs
from tests.attack.every import few_steps
from tests.conftest import CONF, command, compose
from tests.leaves import leaves

CHOICES = leaves("attack")


def classifier(folder: Path, cache_dir: Path, *overrides: str, steps: int = 60) -> Path:
    run = folder / "run"
    plain = [
        "model=classifier",
        "data.image_size=8",
        f"trainer.max_steps={steps}",
        "report=false",
        "trainer.accelerator=cpu",
    ]
    config = compose(*plain, f"paths.cache_dir={cache_dir}", *overrides, run_dir=run)
    train(config, run)
    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    return classifier(tmp_path_factory.mktemp("classifier"), cache_dir)


@pytest.fixture(scope="session")
def fewer_classes(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    return classifier(tmp_path_factory.mktemp("classifier"), cache_dir, "data.classes=[0,1,2,3]", steps=2)


def settings(run: Path, cache_dir: Path, out: Path, *overrides: str) -> DictConfig:
    small = ["count=40", "device=cpu", "probe=8", "epsilon=[8/255,0.2]", f"paths.cache_dir={cache_dir}"]
    config = compose(f"run={run}", *small, *overrides, config="attack", run_dir=out)
    OmegaConf.resolve(config)
    return config


def chosen(choice: str, run: Path, cache_dir: Path, *overrides: str) -> DictConfig:
    """The settings of attack=<choice>; those that need another run get `run`."""
    needs_run = yaml.safe_load((CONF / "attack" / f"{choice}.yaml").read_text()).get("run") == "???"
    more = [f"attack.run={run}"] if needs_run else []
    return settings(run, cache_dir, Path("out"), f"attack={choice}", *more, *overrides)


@pytest.mark.slow
@pytest.mark.parametrize("choice", CHOICES)
def test_every_attack_runs_from_its_leaf(choice: str, trained: Path, cache_dir: Path, tmp_path: Path) -> None:
    config = chosen(choice, trained, cache_dir, f"paths.run_dir={tmp_path / 'out'}")
    attacks = named_attacks(plain(config.attack), build)
    if any(each.bypasses for each in attacks.values()):
        pytest.skip("needs a defence: tests/robustness/test_defended.py")
    if any(isinstance(each, AdvGANAttack) for each in attacks.values()):
        pytest.skip("needs a perturber: tests/stage/test_advgan.py")
    few_steps(config.attack)
    result = attack(config, tmp_path / "out")
    assert list(result["attacks"]) == list(attacks)
    clean = result["clean"]["accuracy"]
    assert clean > 0.5
    for rows in result["attacks"].values():
        assert [row["epsilon"] for row in rows] == [8 / 255, 0.2]
        assert [row["shown"] for row in rows] == ["8/255 (0.03137)", "51/255 (0.2)"]
        assert all(row["accuracy"] <= clean for row in rows)
        for row in rows:
            assert row["mean_linf"] is None or row["mean_linf"] <= row["epsilon"]
            assert row["success_rate"] == pytest.approx(1 - row["accuracy"] / clean)
            assert row["queries_per_image"] > 0 or choice == "transfer"
    assert result["worst"][1]["accuracy"] <= min(rows[1]["accuracy"] for rows in result["attacks"].values())
    run = RunDir(tmp_path / "out")
    assert (run.status() or {})["state"] == "finished"
    assert run.result()["classifier"]["run"] == str(trained)
    assert run.result()["data"]["fingerprints"] == Runs().classifier(RunDir(trained)).origin["fingerprints"]
    page = run.report.read_text()
    assert "51/255 (0.2)" in page
    assert "data:image/png;base64," in page
    assert "<script" not in page


@pytest.mark.parametrize("choice", CHOICES)
def test_every_leaf_builds_and_passes_its_strength_on(choice: str, trained: Path, cache_dir: Path) -> None:
    config = chosen(choice, trained, cache_dir)
    for each in named_attacks(plain(config.attack), build).values():
        stronger: Attack = each.at("1/2")
        assert (each.epsilon, stronger.epsilon, each.norm) == (8 / 255, 0.5, "linf")
        inner = [*getattr(stronger, "attacks", {}).values(), getattr(stronger, "attack", stronger)]
        assert {part.epsilon for part in inner} == {0.5}
    if choice == "advgan":
        with pytest.raises(ConfigError, match="knows no norm=l2"):
            build(chosen(choice, trained, cache_dir, "attack.norm=l2").attack, section="attack")
    elif "_target_" in config.attack:
        assert build(chosen(choice, trained, cache_dir, "attack.norm=l2").attack, section="attack").norm == "l2"


@pytest.mark.slow
def test_the_outcome_does_not_depend_on_the_batch_or_the_other_images(
    trained: Path, cache_dir: Path, tmp_path: Path
) -> None:
    def accuracies(name: str, *overrides: str) -> object:
        few = ["attack=pgd", "attack.steps=5", "probe=0", *overrides]
        result = attack(settings(trained, cache_dir, tmp_path / name, *few), tmp_path / name)
        return [(row["accuracy"], row["mean_l2"], row["per_class"]) for row in result["attacks"]["pgd"]]

    first = accuracies("a")
    assert accuracies("b", "batch_size=7") == first
    assert accuracies("c", "seed=1") != first


@pytest.mark.slow
def test_corruptions_calibration_and_mce(trained: Path, cache_dir: Path, tmp_path: Path) -> None:
    few = ["attack=fgsm", "corruptions=[fog,gaussian_noise]", f"baseline={trained}", "probe=0", "count=200"]
    result = attack(settings(trained, cache_dir, tmp_path / "out", *few), tmp_path / "out")
    corruptions = result["corruptions"]
    assert set(corruptions["table"]) == {"fog", "gaussian_noise"}
    assert corruptions["mce"] == 1.0  # against itself
    assert 0 <= result["clean"]["ece"] <= 1
    assert "Corruptions" in (tmp_path / "out" / "report.html").read_text()
    assert corruption_names("all") == list(CORRUPTIONS)
    with pytest.raises(ConfigError, match="corruption snow is unknown; give all, or some of gaussian_noise"):
        corruption_names(["fog", "snow"])


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["epsilon=8"], "epsilon=8 is no fraction of the pixel range"),
        (["epsilon=[0.1,0]"], "epsilon=0 is no fraction of the pixel range"),
        (["epsilon=[]"], "names no strength"),
        (["attack=pgd", "attack.epsilon=2"], "epsilon=2 is no fraction"),
        (["split=train"], "split=train measures nothing"),
        (["count=0"], "count=0 is no whole number"),
        (["attack=ensemble", "attack.attacks.square.norm=l2"], "attacks.square.norm=l2 differs from norm=linf"),
    ],
)
def test_bad_settings_are_one_sentence(
    overrides: list[str], sentence: str, trained: Path, cache_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        attack(settings(trained, cache_dir, tmp_path / "out", *overrides), tmp_path / "out")
    assert (RunDir(tmp_path / "out").status() or {})["state"] == "failed"


@pytest.mark.slow
def test_a_source_of_other_classes_or_size_is_refused(
    trained: Path, fewer_classes: Path, cache_dir: Path, tmp_path: Path
) -> None:
    few = ["attack=transfer", f"attack.run={fewer_classes}"]
    with pytest.raises(DataError, match=r"knows the classes 0, 1, 2, 3 and .* transfer needs a classifier of the same"):
        attack(settings(trained, cache_dir, tmp_path / "out", *few), tmp_path / "out")
    larger = classifier(tmp_path, cache_dir, "data.image_size=16", steps=2)
    with pytest.raises(DataError, match=r"images of 1 x 16 x 16 and .* has 1 x 8 x 8; transfer needs"):
        attack(
            settings(trained, cache_dir, tmp_path / "two", "attack=transfer", f"attack.run={larger}"), tmp_path / "two"
        )


@pytest.mark.slow
def test_four_classes_are_enough_for_targeted_dlr(fewer_classes: Path, cache_dir: Path, tmp_path: Path) -> None:
    config = settings(fewer_classes, cache_dir, tmp_path / "out", "attack=ensemble", "probe=0")
    few_steps(config.attack)
    result = attack(config, tmp_path / "out")
    assert len(result["classes"]) == 4


def test_a_run_that_is_no_classifier_is_refused(cache_dir: Path, tmp_path: Path) -> None:
    gan = tmp_path / "gan" / "run"
    tiny = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4", "trainer.max_steps=1"]
    config = compose(*tiny, f"paths.cache_dir={cache_dir}", "report=false", run_dir=gan)
    train(config, gan)
    with pytest.raises(CheckpointError, match="holds no classifier"):
        attack(settings(gan, cache_dir, tmp_path / "out"), tmp_path / "out")


def test_other_data_than_the_classifier_s_is_refused(trained: Path, cache_dir: Path, tmp_path: Path) -> None:
    file = trained / ".hydra" / "config.yaml"
    text = file.read_text()
    try:
        file.write_text(text.replace("split_seed: 0", "split_seed: 9"))
        with pytest.raises(DataError, match=r"are not those that .* was made with"):
            attack(settings(trained, cache_dir, tmp_path / "out", "attack=fgsm", "split=val"), tmp_path / "out")
    finally:
        file.write_text(text)


def test_strengths_are_sorted_and_unique() -> None:
    assert strengths(OmegaConf.create(["0.2", "8/255", 0.2])) == [8 / 255, 0.2]
    assert strengths("8/255") == strengths(8 / 255) == [8 / 255]


@pytest.mark.slow
def test_the_command_line(trained: Path, cache_dir: Path, tmp_path: Path) -> None:
    places = [f"paths.log_dir={tmp_path}", f"paths.cache_dir={cache_dir}"]
    done = command(f"run={trained}", "attack=pgd", "epsilon=8/255", "count=20", *places, verb="attack")
    (run,) = tmp_path.glob("attack/*")
    assert done.stdout.splitlines()[-1] == f"Report: {run}/report.html"
    assert json.loads((run / "result.json").read_text())["verb"] == "attack"
    page = attack_report(run)
    assert page == run / "report.html"
    wrong = command(f"run={trained}", "attack=apgdd", *places, verb="attack", check=2)
    assert "did you mean apgd" in wrong.stderr
    outside = command(f"run={trained}", "attack=pgd", "epsilon=8", *places, verb="attack", check=2)
    assert outside.stderr.splitlines()[-1].startswith("error: epsilon=8 is no fraction of the pixel range")


@pytest.mark.slow
def test_the_picture_shows_what_the_ball_allows(trained: Path, cache_dir: Path, tmp_path: Path) -> None:
    attack(settings(trained, cache_dir, tmp_path / "out", "attack=pgd", "attack.steps=5"), tmp_path / "out")
    from PIL import Image

    with Image.open(tmp_path / "out" / "images" / "adversarial.png") as picture:
        assert picture.width > 3 * 48
        assert picture.height >= 2 + 48 + 2
