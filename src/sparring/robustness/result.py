"""The content of an attack's `result.json`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.attack.base import Attack
from sparring.core.measurement import Measurement, robust_accuracy_name, share
from sparring.robustness.attacked import AttackSetup
from sparring.robustness.measure import Robustness
from sparring.robustness.trials import worst_case
from sparring.run.directory import RunDir

WORST_CASE = "worst_case"  # in the place of an attack's name: an image counts where no attack fools the classifier


def attack_result(
    attacked: AttackSetup, attacks: Mapping[str, Attack], measured: Robustness, exported: Mapping[str, Any]
) -> dict[str, Any]:
    """Plain values.

    Args:
        exported: what was exported, by attack.
    """
    settings, loaded = attacked.settings, attacked.loaded
    one_norm = len({each.norm for each in attacks.values()}) == 1
    worst = [worst_case(epsilon, measured.trials) for epsilon in settings.epsilons] if one_norm else []
    metrics = {**_robust_metrics(attacked, attacks, measured, worst), **_corruption_metrics(attacked, measured)}
    return {
        "metrics": {name: each.record() for name, each in metrics.items()},
        "data": {"fingerprints": attacked.data.fingerprints(), "split": settings.split},
        "classifier": loaded.origin
        | {"channels": loaded.channels, "adversarial_training": _trained_against(loaded.origin)},
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


def _trained_against(origin: Mapping[str, Any]) -> str:
    """The choice of model/robust in the training of a classifier; "none" for a game without that part."""
    robust = RunDir.open(Path(origin["run"])).config["model"].get("robust") or {}
    return str(robust.get("_target_", "none.")).split(".")[-2]


def _robust_metrics(
    attacked: AttackSetup,
    attacks: Mapping[str, Attack],
    measured: Robustness,
    worst: Sequence[Mapping[str, Any]],
) -> dict[str, Measurement]:
    """Accuracy and calibration without an attack, and robust accuracy under each and under all together."""
    split, protocol = attacked.settings.split, _images(attacked)
    metrics = {
        f"{split}/accuracy": share(measured.clean["accuracy"], images=protocol["images"], protocol=protocol),
        f"{split}/ece": Measurement(value=measured.clean["ece"], direction="lower", protocol=protocol),
    }
    rows = [
        (name, attacks[name].norm, trial.row) for name, trials in measured.trials.items() for trial in trials.values()
    ]
    together = [(WORST_CASE, next(iter(attacks.values())).norm, row) for row in worst]
    for name, norm, row in [*rows, *together]:
        under = protocol | {"attack": name, "norm": norm, "epsilon": row["epsilon"]}
        metrics[robust_accuracy_name(split, name, row["epsilon"])] = share(
            row["accuracy"], images=protocol["images"], protocol=under
        )
    return metrics


def _corruption_metrics(attacked: AttackSetup, measured: Robustness) -> dict[str, Measurement]:
    """Means over corruptions and severities, and the mCE where there is a baseline."""
    record = measured.corruptions
    if record is None:
        return {}
    split = attacked.settings.split
    protocol = _images(attacked) | {"corruptions": list(record["table"]), "source": record["source"]}
    metrics = {
        f"{split}/corruption_accuracy": Measurement(
            value=record["mean_accuracy"], direction="higher", protocol=protocol
        ),
        f"{split}/corruption_ece": Measurement(value=record["mean_ece"], direction="lower", protocol=protocol),
    }
    if "mce" in record:
        against = protocol | {"baseline": record["baseline"]["run"]}
        metrics[f"{split}/mce"] = Measurement(value=record["mce"], direction="lower", protocol=against)
    return metrics


def _images(attacked: AttackSetup) -> dict[str, Any]:
    """The part of the protocol that all metrics share."""
    settings = attacked.settings
    return {
        "split": settings.split, "images": len(attacked.images.label), "seed": settings.seed,
        "weights": attacked.loaded.origin["weights"], "checkpoint": settings.checkpoint,
        "defence": settings.defence,
    }  # fmt: skip


def _protocol(attacked: AttackSetup, attacks: Mapping[str, Attack]) -> dict[str, Any]:
    settings = attacked.settings
    return {
        "attack": settings.attack, "defence": settings.defence,
        "norm": {name: each.norm for name, each in attacks.items()}, "split": settings.split,
        "count": settings.count, "seed": settings.seed, "rows": settings.rows, "batch_norm": "eval",
        "weights": attacked.loaded.origin["weights"], "checkpoint": settings.checkpoint,
        "accuracy": "right before and after the attack, of all images",
    }  # fmt: skip
