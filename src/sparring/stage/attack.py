"""`python attack.py run=logs/train/<run> attack=pgd`: what attacks leave of a classifier's accuracy.

conf/attack.yaml says what each key means. `config.attack` is one attack, or several by name.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from sparring.attack.base import Attack
from sparring.attack.evaluation.evaluate import AttackOutcome, per_class, subset
from sparring.attack.evaluation.target import Target
from sparring.config.build import build
from sparring.core.errors import ConfigError, DataError, DivergedError
from sparring.core.pixels import normalise
from sparring.core.settings import check_at_least_one, device_named
from sparring.core.types import Batch, TrainedNetwork
from sparring.corruption.evaluate import probabilities
from sparring.data.module.image_data import ImageData
from sparring.metric.classification import expected_calibration_error
from sparring.report.attack import attack_report
from sparring.robustness.attacks import accompanied, attach_sources, load, named_attacks, strengths
from sparring.robustness.corruptions import corruption_table
from sparring.robustness.defended import DefendedClassifier, defence_record, defended_classifier
from sparring.robustness.export import check_export, export
from sparring.robustness.trials import TrialImages, run_trials, warnings, worst_case, write_picture
from sparring.run.directory import RunDir, config_hash
from sparring.run.environment import environment
from sparring.run.status import recorded


def attack(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Attack the classifier that `config` names; returns what result.json holds.

    Files: images/adversarial.png, result.json, report.html.

    Raises:
        CheckpointError: `config.run` is no run of a classifier. DataError: its data is not what it was trained on.
        ConfigError: an epsilon outside (0, 1], or an attack that does not apply. DivergedError: logits are not finite.
    """
    with recorded(run_dir) as run:
        result = _attack(config, run)
        run.write_status("finished", f"{result['cost']['images']} images", 0, {}, None)
        attack_report(run.path)
    return result


def _attack(config: DictConfig, run: RunDir) -> dict[str, Any]:
    started = time.perf_counter()
    epsilons = strengths(config.epsilon)
    check_at_least_one(
        count=1 if config.count is None else config.count, batch_size=config.batch_size, rows=config.rows or 1
    )
    loaded = load(str(config.run), config, checkpoint=config.checkpoint)
    asked = named_attacks(config)
    check_export(config, asked, epsilons, loaded.channels)
    shielded = defended_classifier(loaded, config)
    plain = getattr(
        shielded.network, "differentiable", True
    )  # else the references, which follow gradients, do not apply
    attacks = attach_sources(accompanied(asked) if plain and not config.export else asked, loaded, config)
    device = device_named(config.device)
    target = Target(shielded.network.to(device), rows=config.rows).eval()
    for each in attacks.values():
        each.check(target)
    images, data = _images(config, loaded, shielded, device)
    probability, label = _clean(target, images, config.batch_size), images.label.cpu()
    clean = probability.argmax(1)
    plain = Batch(images.pixels, label)
    defence = defence_record(shielded, loaded, Batch(images.image, images.label), config.rows or config.batch_size)
    corruptions = corruption_table(config, loaded, target, plain, images.index.cpu(), device)
    outcomes: list[AttackOutcome] = []
    keep = outcomes.append if config.export else lambda outcome: None
    trials = {
        name: run_trials(name, each, epsilons, target, images, len(loaded.class_names), config, keep)
        for name, each in attacks.items()
    }
    found = warnings(attacks, trials, target, images, config)
    write_picture(run.images / "adversarial.png", {name: trials[name] for name in asked}, images, loaded.class_names)
    exported = {
        name: export(
            config, run, loaded, name, each.at(epsilons[0]), outcomes[0], images, target,
            data.record(config.split, role="trained"),
        )
        for name, each in attacks.items() if config.export
    }  # fmt: skip
    one_norm = len({each.norm for each in attacks.values()}) == 1
    result = {
        "verb": "attack",
        "config_hash": config_hash(config),
        "data": {"fingerprints": data.fingerprints(), "split": config.split},
        "classifier": loaded.origin,
        "defence": defence,
        "classes": list(loaded.class_names),
        "clean": {"accuracy": float((clean == label).float().mean()),
                  "per_class": per_class(clean == label, label, len(loaded.class_names)),
                  "ece": expected_calibration_error(probability, label)},
        "attacks": {name: [trial.row for trial in each.values()] for name, each in trials.items()},
        "worst": [worst_case(eps, trials) for eps in epsilons] if one_norm else [],
        "flags": found,
        "exported": exported,
        "corruptions": corruptions,
        "protocol": _protocol(config, attacks, loaded.origin["weights"]),
        "cost": {"seconds": round(time.perf_counter() - started, 2), "images": len(images.label),
                 "queries": target.queries},
        "environment": environment(),
    }  # fmt: skip
    run.write_result(result)
    print(run.path / "report.html", file=sys.stderr)
    return result


def _images(
    config: DictConfig, loaded: TrainedNetwork, shielded: DefendedClassifier, device: torch.device
) -> tuple[TrialImages, ImageData]:
    """At most `count` images of the split, chosen once for all runs on the same data."""
    if config.split not in ("train", "val", "test"):
        raise ConfigError(f"split={config.split} is none of train, val, test.")
    settings = RunDir.open(loaded.origin["run"]).config.data
    OmegaConf.update(settings, "cache_dir", config.paths.cache_dir)
    data: ImageData = build(settings, section="data", extensions=list(config.extensions))
    data.setup("fit")
    fingerprints = data.fingerprints()
    trained_on = loaded.origin["fingerprints"]
    if trained_on and trained_on.get(config.split) != fingerprints[config.split]:
        raise DataError(
            f"The {config.split} images of {settings.name} are not those that {loaded.origin['run']} was made with; "
            "restore the data, or train again."
        )
    shielded.check_unseen(data, config.split)
    image, label = data.whole(config.split)
    index = subset(len(label), config.count)
    if not len(index):
        raise DataError(f"The {config.split} split of {settings.name} is empty; give split=test or split=val.")
    return TrialImages(
        image[index], normalise(image[index]).to(device), label[index].to(device), index.to(device)
    ), data


def _clean(target: Target, images: TrialImages, batch_size: int) -> Tensor:
    """Probabilities (N, K) without an attack, on the CPU."""
    probability = probabilities(target, images.pixels, batch_size)
    if not bool(probability.isfinite().all()):
        raise DivergedError("The classifier's logits are NaN or infinite: its weights are from a run that diverged.")
    return probability


def _protocol(config: DictConfig, attacks: Mapping[str, Attack], weights: str) -> dict[str, Any]:
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {
        "attack": plain["attack"], "defence": plain["defence"],
        "norm": {name: each.norm for name, each in attacks.items()}, "split": config.split,
        "count": config.count, "seed": config.seed, "rows": config.rows, "batch_norm": "eval", "weights": weights,
        "checkpoint": config.checkpoint, "accuracy": "right before and after the attack, of all images",
    }  # fmt: skip
