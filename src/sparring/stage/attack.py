"""`python attack.py run=logs/train/<run> attack=pgd`: a classifier's robust accuracy under attacks.

conf/attack.yaml says what each key means. `config.attack` is one attack, or several by name.
"""

import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.attack.base import Attack
from sparring.attack.evaluation.target import Target
from sparring.report.attack import attack_report
from sparring.report.doubts import doubts
from sparring.report.logged import logged
from sparring.robustness.attacked import AttackSetup, images_of_run
from sparring.robustness.attacks import attach_sources, named_attacks, with_baselines
from sparring.robustness.defended import defended_classifier
from sparring.robustness.export import check_export, export
from sparring.robustness.measure import measure
from sparring.robustness.result import attack_result
from sparring.robustness.settings import AttackSettings
from sparring.robustness.trials import write_picture
from sparring.run.directory import RunDir
from sparring.run.environment import config_hash, environment
from sparring.run.status import recorded
from sparring.trained.runs import Runs


def attack(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Attack the classifier that `config` names; returns the content of result.json.

    Files: images/adversarial.png, result.json, report.html.

    Raises:
        CheckpointError: `config.run` is no run of a classifier.
        DataError: its data is not what it was trained on.
        ConfigError: an epsilon outside (0, 1], or an attack that does not apply.
        DivergedError: the classifier's logits are not finite.
    """
    with recorded(run_dir) as run, logged(config, run):
        result = _attack(config, run)
        run.write_result(result)
        attack_report(run.path)
        run.write_status("finished", f"{result['cost']['images']} images", 0, {}, None)
    return result


def _attack(config: DictConfig, run: RunDir) -> dict[str, Any]:
    started = time.perf_counter()
    runs, settings = Runs.of(config), AttackSettings.of(config)
    attacked, chosen, attacks = _prepared(settings, runs)
    measured = measure(attacked, attacks, runs)
    class_names = attacked.loaded.class_names
    shown = {name: measured.trials[name] for name in chosen}
    write_picture(run.images / "adversarial.png", shown, attacked.images, class_names)
    exported: dict[str, Any] = {}
    if settings.export:
        ((name, only),), (outcome,) = attacks.items(), measured.outcomes
        exported[name] = export(name, only.at(settings.epsilons[0]), outcome, attacked, runs=runs, run=run)
    result = {
        "verb": "attack",
        "name": config.name,
        "config_hash": config_hash(config),
        **attack_result(attacked, attacks, measured, exported),
        "cost": {
            "seconds": round(time.perf_counter() - started, 2),
            "images": len(attacked.images.label),
            "queries": attacked.target.queries,
        },
        "environment": environment(),
    }
    return {**result, "remarks": doubts(result)}


def _prepared(settings: AttackSettings, runs: Runs) -> tuple[AttackSetup, dict[str, Attack], dict[str, Attack]]:
    """The classifier with its defence and images, the attacks chosen, and these with their baselines; cheap checks first."""
    loaded = runs.classifier(settings.run, checkpoint=settings.checkpoint)
    chosen = named_attacks(settings.attack, runs.build)
    check_export(settings, chosen, loaded.channels)
    defence = runs.build(settings.defence, section="defence")
    defended = defended_classifier(loaded, defence, runs)
    chosen = {name: each.for_classes(len(loaded.class_names)) for name, each in chosen.items()}
    attacks = with_baselines(chosen) if defended.differentiable and not settings.export else chosen
    attacks = attach_sources(attacks, loaded, runs, device=settings.device, rows=settings.rows)
    target = Target(defended.network.to(settings.device), rows=settings.rows).eval()
    for each in attacks.values():
        each.check(target)
    images, data = images_of_run(settings, runs, loaded, defended)
    return AttackSetup(settings, loaded, defended, target, images, data), chosen, attacks
