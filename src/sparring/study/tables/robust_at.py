"""The curve of `study=robust_at`, and what the study cannot say."""

from collections.abc import Collection, Sequence

from sparring.core.settings import epsilon_text
from sparring.study.cells.robust_arms import EVALUATION, PARTS, STRONG_ATTACK, TRAINING
from sparring.study.engine.results import CellResult, Results
from sparring.study.tables.analysis import Plot
from sparring.study.tables.candidates import Column, choice_limits, val_accuracy
from sparring.study.tables.costs import Tags, arm_runs
from sparring.study.tables.limits import shared_images_limit
from sparring.study.tables.plots import ACCURACY_LABEL, mean_line
from sparring.study.tables.robustness import EvaluationMeasure, clean_accuracy, no_more_robust, robust_accuracy


def robust_warning(results: Results, arms: Sequence[str], measure: EvaluationMeasure, *, attack: str) -> str:
    """That pgd_at is no more robust than standard, in a sentence; empty where it is, or one of them did not run."""
    if not {"standard", "pgd_at"} <= set(arms):
        return ""
    plain, robust = (measure.values(results, arm) for arm in ("standard", "pgd_at"))
    return no_more_robust(plain, robust, names=("the arm standard", "pgd_at"), attack=attack)


def curve(results: Results, arms: Sequence[str], epsilons: Sequence[float], *, steps: int, part: str) -> Plot:
    """Accuracy under PGD of every arm against its strength, from no attack on.

    Args:
        epsilons: fractions of the pixel range, rising.
        steps: of PGD.
        part: tag of the cells that evaluate.
    """
    reads = {0.0: clean_accuracy, **{epsilon: robust_accuracy("pgd", epsilon) for epsilon in epsilons}}
    measures = [EvaluationMeasure(read, part) for read in reads.values()]
    lines = [mean_line(arm, [measure.values(results, arm) for measure in measures]) for arm in arms]
    note = "Means and 95 % t intervals over replicates. The strength is a fraction of the pixel range."
    return Plot(
        f"Accuracy under PGD-{steps} by strength", "epsilon", ACCURACY_LABEL, tuple(reads), tuple(lines), note=note
    )


def val_robust_accuracy(each: CellResult) -> float:
    """Accuracy on val under PGD at the end of an adversarial training, in %; what candidates are chosen by.

    That of an arm which trains without attacks, and so is not attacked on val, is its accuracy without an attack.

    Raises:
        ConfigError: an adversarial training was not attacked on val.
    """
    if PARTS[str(each.cell.tags["arm"])][0] == "none":
        return val_accuracy(each)
    metrics = each.get("metrics")
    names = [name for name in metrics if name.startswith("val/robust_accuracy/")]
    return 100 * float(each.get("metrics", names[0] if names else "val/robust_accuracy", "value"))


def candidate_columns(pgd: str, epsilon: float) -> tuple[Column, Column]:
    """What candidates are chosen by, and what they are on test; pgd: the attack at `epsilon` in words."""
    return (
        Column("val accuracy, under PGD where it was trained with attacks, %", val_robust_accuracy, TRAINING),
        Column(f"test accuracy under {pgd}, %", robust_accuracy("pgd", epsilon), EVALUATION),
    )


def costs(arms: Sequence[str]) -> dict[str, Tags]:
    """Rows of the cost table."""
    return {
        **arm_runs(arms, part=TRAINING),
        "AdvGAN": {"part": "perturber"},
        "images of AdvGAN": {"part": "perturbed"},
        "PGD, corruptions and calibration of one classifier": {"part": EVALUATION},
        "stronger attack on one classifier": {"part": STRONG_ATTACK},
    }


def limits(results: Results, epsilon: float, strong_count: int, choices: Collection[str]) -> list[str]:
    """Sentences for the page.

    Args:
        results: of the study.
        epsilon: of training and evaluation.
        strong_count: test images of the stronger attack.
        choices: what val chooses the GAN's training from.
    """
    return [
        *choice_limits(choices),
        f"All strengths are of Linf attacks; adversarial training and evaluation use epsilon {epsilon_text(epsilon)}.",
        "Robust accuracy is an upper bound: a better attack would leave less.",
        "Steps, batches and augmentation are equal. Adversarial training costs several times the computing time per step, "
        "and the GAN's images cost the GAN's training on top: see the costs.",
        f"The stronger attack is run on {strong_count} of the test images, so its column is noisier and not the same images.",
        shared_images_limit(results, estimated=False),
    ]
