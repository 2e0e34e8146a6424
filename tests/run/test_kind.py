"""The kind of a run, told by its settings: every verb refuses a run that lacks what it reads, before torch is imported."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf

from sparring.cli.resume import expand_resume
from sparring.config.read_runs import runs_fit
from sparring.core.errors import CheckpointError
from sparring.core.package import CONFIG_DIR
from sparring.run.kind import CLASSIFYING, GAMES, SECTIONS, check_holds, networks_of, verb_of
from sparring.run.settings import write_settings

HEAD = {"_target_": "sparring.model.head.projection.Projection"}
CLASSES = {"_target_": "sparring.model.head.auxiliary.Auxiliary"}
RUNS: dict[str, dict[str, Any]] = {
    "gan": {"trainer": {"devices": 1}, "model": {"_target_": "sparring.model.gan.GAN", "head": HEAD}},
    "acgan": {"trainer": {"devices": 1}, "model": {"_target_": "sparring.model.gan.GAN", "head": CLASSES}},
    "classifier": {"trainer": {"devices": 1}, "model": {"_target_": "sparring.model.classifier.Classifier"}},
    "advgan": {"trainer": {"devices": 1}, "model": {"_target_": "sparring.model.advgan.AdvGAN"}},
    "supervised": {"trainer": {"devices": 1},
                   "model": {"_target_": "sparring.model.semi_supervised.SemiSupervisedGAN", "supervised_only": True}},
    "mine": {"trainer": {"devices": 1}, "model": {"_target_": "mine.Game"}},
    "restorer": {"trainer": {"devices": 1}, "model": {"_target_": "sparring.model.restorer.Restorer"}},
    "images": {"sampling": {"name": "plain"}, "run": "x", "format": ["parquet"]},
    "pictures": {"sampling": {"name": "plain"}, "run": "x", "format": ["grid"]},
    "attacked": {"attack": {"steps": 3}, "export": []},
    "study": {"study": {"replicates": 6}},
    "explained": {"attribution": {"steps": 3}, "format": []},
    "counterfactuals": {"attribution": {"steps": 3}, "format": ["parquet"]},
}  # fmt: skip
NOT_TRAINED = {"images", "pictures", "attacked", "study", "explained", "counterfactuals"}
ATTACK = {"baseline": None, "attack": {"_target_": "sparring.attack.pgd.PGD"}, "defence": {}}
TRAIN = {"trainer": {"devices": 1}}
TRANSFER = {"_target_": "sparring.attack.transfer.Transfer", "run": "gan"}
ADVGAN = {"advgan": {"_target_": "sparring.attack.advgan.AdvGANAttack", "run": "acgan"}, "square": {"steps": 3}}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    for name, settings in RUNS.items():
        write_settings(folder / "train" / name, settings)
    return folder


def refusal(logs: Path, settings: dict[str, Any]) -> str:
    """The sentence, or nothing where the run fits."""
    config = OmegaConf.create({"paths": {"log_dir": str(logs)}, **settings})
    try:
        runs_fit(config)
    except CheckpointError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("settings", "fits"),
    [
        ({"sampling": {"name": "plain"}}, {"gan", "acgan", "mine"}),
        ({"metric": {"k": 5}}, {"gan", "acgan", "mine"}),
        (ATTACK, {"acgan", "classifier", "supervised", "mine"}),
        ({"attribution": {"steps": 1}, "subject": "auto"}, set(RUNS) - {*NOT_TRAINED, "restorer"}),
        ({"attribution": {"steps": 1}, "subject": "discriminator"}, {"gan", "acgan", "advgan", "supervised", "mine"}),
        ({"attribution": {"steps": 1}, "subject": "generator"}, {"gan", "acgan", "mine"}),
        ({"tile": 64}, {"restorer", "mine"}),
    ],
    ids=["generate", "evaluate", "attack", "explain", "explain discriminator", "explain generator", "enhance"],
)
def test_which_runs_a_verb_reads(logs: Path, settings: dict[str, Any], fits: set[str]) -> None:
    assert {name for name in RUNS if not refusal(logs, {**settings, "run": name})} == fits


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sampling": {"name": "plain"}, "run": "classifier"}, "it trained a classifier); give the directory of a training run "
         "with a GAN"),
        ({"tile": 64, "run": "classifier"}, "holds no enhancer (it trained a classifier); give the directory of a training run "
         "with model=restorer or model=srgan"),
        ({"sampling": {"name": "plain"}, "run": "restorer"}, "it trained an enhancer)"),
        ({"tile": 64, "run": "restorer", "beside": ["gan"]}, "holds no enhancer"),
        ({"attribution": {"steps": 1}, "run": "gan", "classifier": "gan"}, "holds no classifier"),
        ({"metric": {"k": 5}, "run": "images"}, "is a run of generate and holds no generator"),
        ({**ATTACK, "run": "classifier", "baseline": "gan"}, "holds no classifier"),
        ({**ATTACK, "run": "classifier", "attack": TRANSFER}, "holds no classifier"),
        ({**ATTACK, "run": "classifier", "attack": ADVGAN}, "holds no perturbation generator"),
        ({**ATTACK, "run": "classifier", "defence": {"generator": "classifier"}}, "holds no generator"),
        ({"metric": {"k": 5, "features": {"run": "gan"}}, "run": "gan"}, "holds no classifier"),
        ({"metric": {"k": 5}, "images": "LOGS/gan"}, "is a run of train and no image set; draw images with `sparring gen"),
        ({"metric": {"k": 5}, "images": "LOGS/classifier"}, "is a run of train and no image set; give a run of generate, or"),
        ({"metric": {"k": 5}, "images": "LOGS/study"}, "is a run of study and no image set; give a run of generate, or a folder"),
        ({"metric": {"k": 5}, "images": "LOGS/pictures"}, "left no images but a picture of them; draw them again with form"),
        ({"metric": {"k": 5}, "images": "LOGS/images", "reference": "images"}, "reference=LOGS/images is a run of generate, "
         "which has no data set of its own; give a training run, or a data set such as reference=cifar10."),
        ({**TRAIN, "data": {"mix": {"images": ["LOGS/images", "LOGS/gan"]}}}, "data.mix.images=LOGS/gan is a run of train and"),
        ({**TRAIN, "data": {"mix": {"images": ["LOGS/attacked"]}}}, "draw them again with export=[parquet]"),
        ({**TRAIN, "data": {"mix": {"images": ["LOGS/explained"]}}}, "wrote no images; make counterfactual ones with generator="),
        ({**TRAIN, "data": {"mix": {"labeller": "gan"}}}, "holds no classifier"),
        ({**TRAIN, "data": {"mix": {"filter": {"classifier": "gan"}}}}, "holds no classifier"),
        ({**TRAIN, "data": {"mix": {"filter": {"discriminator": "classifier"}}}}, "holds no discriminator"),
        ({**TRAIN, "model": {"target": "gan"}}, "holds no classifier"),
        ({**TRAIN, "model": {"classifier": "gan"}}, "holds no classifier"),
        ({**TRAIN, "model": {"restored_by": "gan"}}, "holds no enhancer"),
        ({"attribution": {"steps": 1}, "run": "classifier", "permuted": "gan"}, "holds no classifier"),
        ({**TRAIN, "callback": {"quality": {"features": {"run": "advgan"}}}}, "holds no classifier"),
    ],
)  # fmt: skip
def test_what_is_said(logs: Path, settings: dict[str, Any], says: str) -> None:
    message = refusal(logs, named(settings, logs))
    assert says in message.replace(str(logs / "train"), "LOGS")
    assert "\n" not in message


def named(settings: Any, logs: Path) -> Any:
    """`settings` with the folder of the runs in place of LOGS."""
    if isinstance(settings, dict):
        return {key: named(value, logs) for key, value in settings.items()}
    if isinstance(settings, list):
        return [named(value, logs) for value in settings]
    return settings.replace("LOGS", str(logs / "train")) if isinstance(settings, str) else settings


@pytest.mark.parametrize(
    "settings",
    [
        {"metric": {"k": 5}, "images": "LOGS/images", "reference": "gan"},
        {"metric": {"k": 5}, "images": "LOGS", "reference": "digits"},  # a folder of files, and a data set
        {
            **TRAIN,
            "data": {
                "mix": {
                    "images": ["LOGS/images", "LOGS/counterfactuals"],
                    "labeller": "classifier",
                    "filter": {"discriminator": "gan"},
                }
            },
        },
        {**TRAIN, "model": {"target": "acgan"}},
    ],
)
def test_what_fits(logs: Path, settings: dict[str, Any]) -> None:
    assert refusal(logs, named(settings, logs)) == ""


def test_a_run_is_resumed_by_its_own_verb(logs: Path) -> None:
    for verb, name in [("train", "images"), ("train", "study"), ("study", "classifier")]:
        with pytest.raises(CheckpointError, match=f"which {verb} cannot resume"):
            expand_resume([f"resume={logs}/train/{name}"], verb=verb, log_dir=logs, sweep=False)
    assert expand_resume([f"resume={logs}/train/gan"], verb="train", log_dir=logs, sweep=False)


def test_every_verb_and_game_of_conf_is_known() -> None:
    assert set(SECTIONS) == {file.stem for file in CONFIG_DIR.glob("*.yaml")}
    targets = {str(yaml.safe_load(file.read_text()).get("_target_")) for file in (CONFIG_DIR / "model").glob("*.yaml")}
    assert {f"sparring.model.{game}" for game in GAMES} == targets - {"None"}
    assert verb_of({}) is None
    assert networks_of({}) is None


def test_heads_that_tell_classes() -> None:
    found = set()
    for file in (CONFIG_DIR / "model" / "head").glob("*.yaml"):
        module = importlib.import_module(f"sparring.model.head.{file.stem}")
        own = [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]
        found |= {file.stem for each in own if getattr(each, "classifies", False)}
    assert found == CLASSIFYING


def test_a_classifier_of_degraded_images_is_no_classifier() -> None:
    game = {"_target_": "sparring.model.degraded_classifier.DegradedClassifier"}
    with pytest.raises(CheckpointError, match=r"no classifier \(it trained a classifier of degraded images\)"):
        check_holds(Path("run"), {"trainer": {}, "model": game}, {"classifier"})
