"""AdvGAN from classifier to attack and to training images, through the stages, on 8 x 8 digits."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.data.reading.image_set import read_images
from sparring.data.serving import provenance
from sparring.run.directory import RunDir
from sparring.stage.attack import attack
from sparring.trained.runs import Runs
from tests.conftest import ReadRun, command, compose, read_run, trained_here
from tests.leaves import leaves

ADVGAN = ["model=advgan", "data.image_size=8", "model.epsilon=0.2", "model.discriminator.width=4"]
EIGHT = [*ADVGAN, "model.perturber.width=8"]


@pytest.fixture(scope="module")
def perturber_run(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path, victim_run: Path) -> Path:
    keys = [*EIGHT, f"model.target={victim_run}", "trainer.max_steps=60", "trainer.val_check_interval=30"]
    return trained_here(tmp_path_factory.mktemp("advgan") / "run", cache_dir, *keys)


def settings(run: Path, cache_dir: Path, out: Path, *overrides: str) -> DictConfig:
    small = ["count=60", "device=cpu", "probe=0", "epsilon=0.2", f"paths.cache_dir={cache_dir}"]
    config = compose(f"run={run}", *small, *overrides, config="attack", run_dir=out)
    OmegaConf.resolve(config)
    return config


def attacked(run: Path, cache_dir: Path, out: Path, *overrides: str) -> dict[str, Any]:
    return attack(settings(run, cache_dir, out, *overrides), out)


def robust_accuracy(run: ReadRun, attack: str) -> float:
    """Of the target, as the run of its perturber says, at the epsilon of these tests."""
    return float(run.result["metrics"][f"test/robust_accuracy/{attack}@51/255"]["value"])


@pytest.mark.slow
def test_the_run_says_what_the_perturber_is_worth(perturber_run: Path, victim_run: Path) -> None:
    run = read_run(perturber_run)
    assert robust_accuracy(run, "advgan") < robust_accuracy(run, "noise") - 0.02  # 60 iterations
    assert robust_accuracy(run, "pgd") <= robust_accuracy(run, "advgan") + 0.02
    assert run.result["perturber"]["queries"] == 60 * 64
    assert run.result["perturber"]["mean_linf"] <= 0.2
    text = f"{robust_accuracy(run, 'advgan'):.1%} under this perturber"
    assert text in run.status["reason"]
    val = [row for row in run.metrics if row["val/robust_accuracy"]]
    assert [row["iteration"] for row in val] == ["30", "60"]
    assert float(val[0]["val/accuracy"]) == float(val[1]["val/accuracy"]) > 0.5  # the target does not move
    # The target is in no file of the run; what it saw is on record.
    assert {name.partition(".")[0] for name in run.weights} == {"perturber", "discriminator"}
    prints = run.result["data"]["fingerprints"]
    assert {each.by for each in provenance.load(perturber_run, fingerprints=prints)} == {
        str(victim_run),
        str(perturber_run),
    }


@pytest.mark.slow
def test_attack_leaf_repeats_the_runs_own_number(
    perturber_run: Path, victim_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    result = attacked(
        victim_run, cache_dir, tmp_path / "out", "attack=advgan", f"attack.run={perturber_run}", "count=1000"
    )
    assert list(result["attacks"]) == ["advgan", "noise", "pgd"]  # never without what beats it
    for name, rows in result["attacks"].items():
        assert rows[0]["accuracy"] == pytest.approx(robust_accuracy(read_run(perturber_run), name))
    assert result["attacks"]["advgan"][0]["mean_linf"] <= 0.2
    assert not [flag for flag in result["flags"] if "was trained at" in flag]


@pytest.mark.slow
def test_another_epsilon_is_scaled_and_said(
    perturber_run: Path, victim_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = ["attack=advgan", f"attack.run={perturber_run}", "epsilon=[0.1,0.2]"]
    result = attacked(victim_run, cache_dir, tmp_path / "out", *keys)
    said = [flag for flag in result["flags"] if "was trained at epsilon 51/255 (0.2); at 25.5/255 (0.1) its" in flag]
    assert len(said) == 1
    small, large = result["attacks"]["advgan"]
    assert small["accuracy"] >= large["accuracy"]


@pytest.mark.slow
def test_adversarial_training_images_are_mixed_in(
    perturber_run: Path, victim_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = ["attack=advgan", f"attack.run={perturber_run}", "split=train", "count=null", "export=[parquet]"]
    made = tmp_path / "images"
    result = attacked(victim_run, cache_dir, made, *keys)
    assert list(result["attacks"]) == ["advgan"]
    images = read_images(made, channels=1, image_size=8, class_names=tuple("0123456789"))
    assert len(images.label) == result["exported"]["advgan"]["images"] == 1299
    assert result["exported"]["advgan"]["accuracy"] == pytest.approx(
        result["attacks"]["advgan"][0]["accuracy"], abs=0.02
    )
    again = trained_here(
        tmp_path / "robust", cache_dir, "model=classifier", "data.image_size=8", "trainer.max_steps=2",
        "data/mix=images", f"data.mix.images=[{made}]", "data.mix.fraction=0.7",
    )  # fmt: skip
    mix = read_run(again).result["data"]["origin"]["mix"]
    assert (mix["count"], mix["per_batch"], mix["extra_labels"]) == (1299, 45, 0)
    assert set(mix["upstream_runs"]) == {str(victim_run), str(perturber_run), str(made)}


@pytest.mark.slow
def test_adversarial_test_images_train_nothing(victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    made = tmp_path / "images"
    attacked(victim_run, cache_dir, made, "attack=fgsm", "split=test", "export=[folder,grid]")
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["images_per_label"] == {str(k): len(list((made / "folder" / str(k)).iterdir())) for k in range(10)}
    keys = [
        "model=classifier",
        "data.image_size=8",
        "trainer.max_steps=2",
        "data/mix=images",
        f"data.mix.images=[{made}]",
    ]
    with pytest.raises(DataError, match=r"was trained on \d+ of the \d+ test images of this run"):
        trained_here(tmp_path / "robust", cache_dir, *keys)


@pytest.mark.parametrize(("overrides", "sentence"), [
    (["split=train"], r"split=train measures nothing, as the classifier was trained on it; give test or val, or export="),
    (["export=[parquet]", "epsilon=[0.1,0.2]"], r"got 1 attacks and 2 epsilons"),
    (["export=[jpeg]"], r"format=\['jpeg'\] is unknown"),
    (["attack.norm=l2", "attack=advgan"], r"knows no norm=l2; give linf"),
    (["attack=advgan", "+attack.run_=1"], r"run_"),
])  # fmt: skip
def test_bad_attack_settings_are_one_sentence(
    overrides: list[str], sentence: str, victim_run: Path, perturber_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = [f"attack.run={perturber_run}"] if "attack=advgan" in overrides else ["attack=fgsm"]
    with pytest.raises(ConfigError, match=sentence):
        attacked(victim_run, cache_dir, tmp_path / "out", *sorted(overrides), *keys)


@pytest.mark.parametrize(
    ("overrides", "error", "sentence"),
    [
        (["model.target=PERTURBER"], CheckpointError, "holds no classifier"),
        (["model.target=nowhere"], CheckpointError, r"does not exist|no run"),
        (["data.image_size=16"], DataError, r"sees images of 1 x 8 x 8 and this run has 1 x 16 x 16"),
        (["data.classes=[0,1,2]"], DataError, r"knows the classes 0, 1, .* and this run has 0, 1, 2;"),
        (["data.split_seed=5"], DataError, r"was (trained|chosen) on \d+ of the \d+ (val|test) images of this run"),
    ],
)
def test_targets_that_do_not_fit_are_refused(
    overrides: list[str], error: type[Exception], sentence: str, victim_run: Path, perturber_run: Path, cache_dir: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    given = [each.replace("PERTURBER", str(perturber_run)) for each in overrides]
    with pytest.raises(error, match=sentence):
        trained_here(tmp_path / "run", cache_dir, *EIGHT, f"model.target={victim_run}", "trainer.max_steps=1", *given)


def test_perturbers_that_do_not_fit_are_refused(
    victim_run: Path, perturber_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="holds no perturbation generator"):
        Runs().perturber(RunDir.open(victim_run))
    small = trained_here(
        tmp_path / "f",
        cache_dir,
        "model=classifier",
        "data.image_size=8",
        "data.classes=[0,1,2,3]",
        "trainer.max_steps=1",
    )
    with pytest.raises(DataError, match=r"attack=advgan needs a perturbation generator of the same classes"):
        attacked(small, cache_dir, tmp_path / "out", "attack=advgan", f"attack.run={perturber_run}")


@pytest.mark.slow
@pytest.mark.parametrize("distill", ["none", "dynamic"])
def test_resumed_equals_uninterrupted(distill: str, victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    keys = [*EIGHT, f"model.target={victim_run}", f"model.distill={distill}", "model/schedule=constant", "report=false",
            f"paths.cache_dir={cache_dir}", "trainer.val_check_interval=4", "model.warm_up=0.25"]  # fmt: skip
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command(*keys, "trainer.max_steps=8", f"hydra.run.dir={whole}")
    # The warm-up is a share of the budget, so both are planned for 8: the second is stopped by its checkpoint.
    command(*keys, "trainer.max_steps=8", f"hydra.run.dir={parts}", "callback.checkpoint.every=4")
    (parts / "checkpoints" / "last.ckpt").replace(parts / "checkpoints" / "end.ckpt")
    for file in [*(parts / "checkpoints").glob("*last*"), parts / "status.json", parts / "result.json"]:
        file.unlink()
    command(f"resume={parts}")
    ours, theirs = read_run(parts), read_run(whole)
    assert ours.weights.keys() == theirs.weights.keys()
    assert all(torch.equal(tensor, theirs.weights[name]) for name, tensor in ours.weights.items())
    assert ours.result["metrics"] == theirs.result["metrics"]


@pytest.mark.slow
@pytest.mark.parametrize("perturber", leaves("model/perturber"))
def test_trained_perturbers_beat_noise_by_far(
    perturber: str, victim_run: Path, cache_dir: Path, tmp_path: Path
) -> None:
    keys = [*ADVGAN, f"model/perturber={perturber}", f"model.target={victim_run}", "trainer.max_steps=250"]
    found = read_run(trained_here(tmp_path / "run", cache_dir, *keys))
    assert robust_accuracy(found, "advgan") < robust_accuracy(found, "noise") - 0.2
    assert robust_accuracy(found, "advgan") < 0.4


@pytest.mark.slow
def test_a_black_box_student_is_enough(victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    keys = [*EIGHT, f"model.target={victim_run}", "trainer.max_steps=250", "model.distill=dynamic"]
    found = read_run(trained_here(tmp_path / "run", cache_dir, *keys))
    assert robust_accuracy(found, "advgan") < robust_accuracy(found, "noise") - 0.1
    assert found.result["perturber"]["queries"] == 64 * (
        75 + 2 * 175
    )  # 30 % of the budget on real images, then on both
    assert re.search(r"under this perturber", found.status["reason"])


@pytest.mark.slow
def test_a_target_class_wins(victim_run: Path, cache_dir: Path, tmp_path: Path) -> None:
    keys = [
        *EIGHT,
        f"model.target={victim_run}",
        "trainer.max_steps=250",
        "trainer.val_check_interval=250",
        "model.target_class=8",
    ]
    found = read_run(trained_here(tmp_path / "run", cache_dir, *keys))
    assert found.result["metrics"]["test/targeted_success_rate"]["value"] > 0.5
    assert "it makes class 8 of" in found.status["reason"]
    (last,) = (float(row["val/hit_rate"]) for row in found.metrics if row["val/hit_rate"])
    assert last > 0.5
