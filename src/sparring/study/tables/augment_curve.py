"""Tables, plots and sentences of `study=augment_curve`."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from sparring.study.engine.results import Results
from sparring.study.stats.verdict import Comparison, Verdict
from sparring.study.tables.analysis import Plot, Table, arms_table
from sparring.study.tables.comparisons import comparison_table
from sparring.study.tables.costs import arm_runs, cost_table, relative_step_cost, step_cost_sentence
from sparring.study.tables.mcnemar import mcnemar_table
from sparring.study.tables.plots import ACCURACY_LABEL, class_plot, labels_plot
from sparring.study.tables.published import published_table
from sparring.study.tables.text import interval_text, signed

NEGATIVE_CONTROLS = ("gaussian", "oversample", "compute")  # cheaper ways to fill the share that a GAN's images take
CONTROLS = ("aug", "oversample", "gaussian", "pseudo", "more_real", "compute")


class CurveSettings(Protocol):
    """Settings of the study that its tables depend on; see its arguments."""

    ARMS: ClassVar[dict[str, str]]
    arms: list[str]
    baseline: str
    primary: str
    labels: list[int]
    primary_labels: int
    steps: int
    compute_steps: int
    gan_step_cost: float
    gan_choices: dict[str, list[str] | None]


def labels_text(labels: int) -> str:
    """The setting in words, as in `Comparison.where`."""
    return f"{labels} labels per class"


def setting_index(study: CurveSettings, comparison: Comparison) -> int:
    """Index of the comparison's label count among the study's."""
    return [labels_text(labels) for labels in study.labels].index(comparison.where)


def tables(study: CurveSettings, results: Results, comparisons: Sequence[Comparison]) -> list[Table]:
    """The primary setting first, then the controls, the arms, the other settings, and the cost."""
    primary, against = labels_text(study.primary_labels), f"of every arm against {study.baseline}"
    ordered = sorted(
        (each for each in comparisons if each.baseline == study.baseline),
        key=lambda each: (setting_index(study, each), not each.primary, study.arms.index(each.arm)),
    )
    controls = [each for each in comparisons if each.baseline in NEGATIVE_CONTROLS and each.baseline != study.baseline]
    unaugmented = [each for each in comparisons if each.baseline == "real" != study.baseline]
    settings = {labels_text(labels): {"labels": labels} for labels in study.labels}
    return [
        *_compared(f"Test accuracy {against}", [each for each in ordered if each.where == primary]),
        *_compared(f"The GAN's images ({study.primary}) against the negative controls, {primary}", controls),
        arms_table(study.ARMS, study.arms),
        *_compared(
            f"With other numbers of labels: test accuracy {against}",
            [each for each in ordered if each.where != primary],
        ),
        *_compared("Without classic augmentation: the GAN's images against real images alone", unaugmented),
        mcnemar_table(results, arm=study.primary, baseline=study.baseline, settings=settings),
        cost_table(results, arm_runs(study.arms), settings=settings, note=_cost_note(study, results)),
        published_table("augment_curve", {"pool_noise": "not separated here: each replicate draws its own pool"}),
    ]


def _compared(title: str, comparisons: Sequence[Comparison]) -> list[Table]:
    """No table without comparisons."""
    if not comparisons:
        return []
    return [comparison_table(comparisons, title=title, unit="points", metric=ACCURACY_LABEL, where="setting")]


def _cost_note(study: CurveSettings, results: Results) -> str:
    tried = f", {len(study.gan_choices)} times" if len(study.gan_choices) > 1 else ""
    note = f"An arm with the GAN's images needs the GAN and its pool too{tried}"
    if "compute" not in study.arms:
        return f"{note}."
    sentence = step_cost_sentence(step_cost(study, results), assumed=study.gan_step_cost)
    steps = f"{study.compute_steps} steps instead of {study.steps}"
    return f"{note}; for that, the arm compute is given {steps}. {sentence}".rstrip()


def step_cost(study: CurveSettings, results: Results) -> float:
    """Cost of an iteration of the GAN in classifier steps, as measured; NaN where nothing was."""
    return relative_step_cost(results.find(part="generator"), results.find(arm=study.baseline))


def plots(study: CurveSettings, results: Results) -> list[Plot]:
    """Accuracy by number of labels, or by arm where there is one number; accuracy by class at the primary one."""
    if len(study.labels) > 1:
        plain = [arm for arm in study.arms if arm not in CONTROLS[1:]]
        controls = [arm for arm in study.arms if arm in CONTROLS]
        curves = [
            labels_plot(results, plain, study.labels),
            labels_plot(results, controls, study.labels, title="The controls"),
        ]
    else:
        curves = [labels_plot(results, study.arms, study.labels)]
    shown = [study.baseline, study.primary, *(["more_real"] if "more_real" in study.arms else [])]
    title = f"Accuracy by class, {labels_text(study.primary_labels)}"
    return [*curves, *class_plot(results, shown, title=title, labels=study.primary_labels)]


def negative_controls_sentence(primary: Comparison, comparisons: Sequence[Comparison]) -> str:
    """How the GAN's images compare with the negative controls, in one sentence; empty without such controls."""
    controls = [
        each
        for each in comparisons
        if each.arm == primary.arm and each.baseline in NEGATIVE_CONTROLS and each is not primary
    ]
    if not controls:
        return ""
    differences = ", ".join(
        f"{each.baseline} {signed(each.delta)} {interval_text(each.t_interval)}" for each in controls
    )
    unbeaten = [each.baseline for each in controls if each.verdict is not Verdict.HELPS]
    result = f"is not shown to beat {' or '.join(unbeaten)}" if unbeaten else "beats all of them"
    return f"Compared with the negative controls, {primary.arm} {result} (difference from {differences})."
