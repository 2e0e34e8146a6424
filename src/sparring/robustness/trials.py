"""One attack after the other on one classifier: robust accuracy at each strength, what looks wrong, and a picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.evaluation import flags
from sparring.attack.evaluation.evaluate import AttackOutcome, distances, evaluate, per_class
from sparring.attack.evaluation.probe import probe
from sparring.core.progress import working
from sparring.core.settings import epsilon_text
from sparring.core.terminal import say
from sparring.robustness.attacked import AttackSetup, TrialImages
from sparring.robustness.pictures import adversarial_picture, examples


@dataclass(frozen=True)
class Trial:
    """One attack at one strength.

    Args:
        row: its entry in result.json.
        outcome: its `adversarial` holds the `examples` only, so that many trials fit in memory.
        examples: rows of the attacked images that a picture may show.
    """

    row: dict[str, Any]
    outcome: AttackOutcome
    examples: list[int]


Trials = dict[float, Trial]  # by epsilon, rising


def run_trials(name: str, attack: Attack, attacked: AttackSetup, *, keep: Callable[[AttackOutcome], None]) -> Trials:
    """An attack at every strength; a line on stderr for each.

    Args:
        keep: gets each outcome with all its images.
    """
    settings, images, trials = attacked.settings, attacked.images, {}
    for epsilon in settings.epsilons:
        with working(f"{name} at epsilon {epsilon_text(epsilon)}"):
            outcome = evaluate(
                attack.at(epsilon), attacked.target, images.image, images.label,
                index=images.index, seed=settings.seed, batch_size=settings.batch_size,
            )  # fmt: skip
        keep(outcome)
        shown = examples(outcome, images.label.cpu())
        row = _row(epsilon, outcome, images, attacked.num_classes)
        trials[epsilon] = Trial(row, replace(outcome, adversarial=outcome.adversarial[shown]), shown)
        line = f"{name:12} epsilon {epsilon_text(epsilon):18} accuracy {outcome.accuracy:6.1%}  {outcome.seconds:.1f} s"
        say(line)
    return trials


def _row(epsilon: float, outcome: AttackOutcome, images: TrialImages, num_classes: int) -> dict[str, Any]:
    fooled = outcome.clean & ~outcome.correct
    linf, l2 = distances(outcome.adversarial[fooled], images.image.cpu()[fooled])
    attacked = max(1, int(outcome.clean.sum()))
    return {
        "epsilon": epsilon,
        "shown": epsilon_text(epsilon),
        "accuracy": outcome.accuracy,
        "success_rate": outcome.success_rate,
        "per_class": per_class(outcome.correct, images.label.cpu(), num_classes),
        "mean_linf": float(linf.mean()) if len(linf) else None,
        "mean_l2": float(l2.mean()) if len(l2) else None,
        "queries_per_image": (outcome.forward_rows + outcome.gradient_rows) / attacked,
        "gradients_per_image": outcome.gradient_rows / attacked,
        "cpu_seconds": round(outcome.seconds, 3),
    }


def worst_case(epsilon: float, trials: Mapping[str, Trials]) -> dict[str, Any]:
    """Robust accuracy against all attacks together: an image counts where none fools the classifier."""
    unfooled = torch.stack([each[epsilon].outcome.correct for each in trials.values()]).all(0)
    return {"epsilon": epsilon, "shown": epsilon_text(epsilon), "accuracy": float(unfooled.float().mean())}


def warnings(attacks: Mapping[str, Attack], trials: Mapping[str, Trials], attacked: AttackSetup) -> list[str]:
    """Sentences about attacks that look weaker than they should be, each once.

    Args:
        attacks, trials: by name of the attack.
    """
    settings, images, target = attacked.settings, attacked.images, attacked.target
    bypassed = any(each.bypasses for each in attacks.values())
    sentences: list[str | None] = [flags.not_bypassed(target.bypassable, bypassed)]
    for norm in sorted({each.norm for each in attacks.values()}):
        curves = {name: curve for name, curve in trials.items() if attacks[name].norm == norm}
        for epsilon in settings.epsilons:
            accuracy = {name: curve[epsilon].outcome.accuracy for name, curve in curves.items()}
            sentences.append(_black_box_wins(attacks, accuracy))
            sentences += [attacks[name].at(epsilon).remark() for name in curves]
        sentences += [
            flags.not_falling([(eps, each.outcome.accuracy) for eps, each in curve.items()], name)
            for name, curve in curves.items()
        ]
        if settings.probe:
            rows = slice(0, settings.probe)
            with working("test for masked gradients"):
                sentences += probe(
                    target, images.image[rows], images.label[rows], norm=norm,
                    epsilon=settings.epsilons[len(settings.epsilons) // 2], index=images.index[rows], seed=settings.seed,
                )  # fmt: skip
    return list(dict.fromkeys(sentence for sentence in sentences if sentence))


def _black_box_wins(attacks: Mapping[str, Attack], accuracy: Mapping[str, float]) -> str | None:
    """accuracy: robust accuracy by attack, at one epsilon. A generated attack is neither: it follows gradients in training."""
    white_box = {name: value for name, value in accuracy.items() if attacks[name].needs_gradient}
    black_box = {
        name: value
        for name, value in accuracy.items()
        if name not in white_box and not isinstance(attacks[name], AdvGANAttack)
    }
    return flags.black_box_wins(white_box, black_box)


def write_picture(path: Path, trials: Mapping[str, Trials], images: TrialImages, class_names: tuple[str, ...]) -> None:
    """Draw examples of the strongest attack at the smallest epsilon that fools half of the images, or else at the largest.

    Args:
        trials: by name of the attack.

    Raises:
        DiskError: the file could not be written.
    """
    epsilons = list(next(iter(trials.values())))

    def strongest(epsilon: float) -> Trial:
        return max((each[epsilon] for each in trials.values()), key=lambda each: each.outcome.success_rate)

    chosen = next((eps for eps in epsilons if strongest(eps).outcome.success_rate >= 0.5), epsilons[-1])
    trial = strongest(chosen)
    rows = torch.tensor(trial.examples)
    label, predicted = images.label.cpu()[rows].tolist(), trial.outcome.predicted[rows].tolist()
    names = [f"{class_names[a]} > {class_names[b]}" for a, b in zip(label, predicted, strict=True)]
    adversarial_picture(path, images.image.cpu()[rows], trial.outcome.adversarial, names)
