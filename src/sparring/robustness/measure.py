"""Everything that is measured of an attacked classifier, from no attack at all to the strongest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparring.attack.base import Attack
from sparring.attack.evaluation.evaluate import AttackOutcome, per_class
from sparring.core.errors import DivergedError
from sparring.core.types import Batch
from sparring.corruption.evaluate import probabilities
from sparring.metric.classification import expected_calibration_error
from sparring.robustness.attacked import AttackSetup
from sparring.robustness.corruptions import corruption_record
from sparring.robustness.defended import defence_record
from sparring.robustness.trials import Trials, run_trials, warnings
from sparring.trained.runs import Runs


@dataclass(frozen=True)
class Robustness:
    """What `measure` returns; records are plain values, as result.json holds them.

    Args:
        clean: without an attack: accuracy, per_class, ece.
        defence, corruptions: None where there are none.
        trials: by attack.
        outcomes: with all their images, where the settings ask for an export; else empty.
        warnings: sentences about attacks that look weaker than they should be.
    """

    clean: dict[str, Any]
    defence: dict[str, Any] | None
    corruptions: dict[str, Any] | None
    trials: Mapping[str, Trials]
    outcomes: list[AttackOutcome]
    warnings: list[str]


def measure(attacked: AttackSetup, attacks: Mapping[str, Attack], runs: Runs) -> Robustness:
    """Accuracy without an attack, what the defence does, accuracy under corruptions, and under every attack.

    Args:
        attacks: by name, with their sources attached.
        runs: where the baseline of the corruptions is.

    Raises:
        DivergedError: the classifier's logits are not finite.
    """
    settings, loaded, images = attacked.settings, attacked.loaded, attacked.images
    clean = clean_record(attacked)
    in_flight = Batch(images.image, images.label)
    defence = defence_record(attacked.defended, loaded, in_flight, settings.rows or settings.batch_size)
    corruptions = corruption_record(settings, runs, loaded, attacked.target, images.at_rest, images.index.cpu())
    outcomes: list[AttackOutcome] = []
    keep = outcomes.append if settings.export else lambda outcome: None
    trials = {name: run_trials(name, each, attacked, keep=keep) for name, each in attacks.items()}
    return Robustness(clean, defence, corruptions, trials, outcomes, warnings(attacks, trials, attacked))


def clean_record(attacked: AttackSetup) -> dict[str, Any]:
    """Accuracy, of each class too, and calibration without an attack.

    Raises:
        DivergedError: the classifier's logits are not finite.
    """
    image, label = attacked.images.at_rest
    probability = probabilities(attacked.target, image, attacked.settings.batch_size)
    if not bool(probability.isfinite().all()):
        raise DivergedError("The classifier's logits are NaN or infinite: its weights are from a run that diverged.")
    correct = probability.argmax(1) == label
    return {
        "accuracy": float(correct.float().mean()),
        "per_class": per_class(correct, label, attacked.num_classes),
        "ece": expected_calibration_error(probability, label),
    }
