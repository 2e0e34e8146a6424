"""The content of an attack's `result.json`."""

from collections.abc import Mapping
from typing import Any

from sparring.attack.base import Attack
from sparring.robustness.attacked import AttackedClassifier
from sparring.robustness.measure import Robustness
from sparring.robustness.trials import worst_case


def attack_result(
    attacked: AttackedClassifier, attacks: Mapping[str, Attack], measured: Robustness, exported: Mapping[str, Any]
) -> dict[str, Any]:
    """Plain values.

    Args:
        exported: what was exported, by attack.
    """
    settings, loaded = attacked.settings, attacked.loaded
    one_norm = len({each.norm for each in attacks.values()}) == 1
    worst = [worst_case(epsilon, measured.trials) for epsilon in settings.epsilons] if one_norm else []
    return {
        "data": {"fingerprints": attacked.data.fingerprints(), "split": settings.split},
        "classifier": loaded.origin,
        "defence": measured.defence,
        "classes": list(loaded.class_names),
        "clean": measured.clean,
        "attacks": {name: [trial.row for trial in trials.values()] for name, trials in measured.trials.items()},
        "worst": worst,
        "flags": measured.warnings,
        "exported": dict(exported),
        "corruptions": measured.corruptions,
        "protocol": _protocol(attacked, attacks),
    }


def _protocol(attacked: AttackedClassifier, attacks: Mapping[str, Attack]) -> dict[str, Any]:
    settings = attacked.settings
    return {
        "attack": settings.attack, "defence": settings.defence,
        "norm": {name: each.norm for name, each in attacks.items()}, "split": settings.split,
        "count": settings.count, "seed": settings.seed, "rows": settings.rows, "batch_norm": "eval",
        "weights": attacked.loaded.origin["weights"], "checkpoint": settings.checkpoint,
        "accuracy": "right before and after the attack, of all images",
    }  # fmt: skip
