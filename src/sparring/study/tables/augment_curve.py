"""Tables, plots and sentences of `study=augment_curve`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from sparring.study.engine.results import Results, Tag
from sparring.study.stats.verdict import Comparison, Verdict
from sparring.study.tables.analysis import DASH, Plot, Table, comparison_table, number, signed
from sparring.study.tables.curve import class_line, mean_line
from sparring.study.tables.mcnemar import pair_table
from sparring.study.tables.published import anchor_table
from sparring.study.tables.readings import relative_cost, told

ACCURACY = ("metrics", "test/accuracy", "value")
NULLS = ("gaussian", "oversample", "compute")  # what a GAN must beat to be worth its trouble
CONTROLS = ("aug", "oversample", "gaussian", "pseudo", "more_real", "compute")


class CurveSettings(Protocol):
    """What the tables need to know of the study; see its arguments."""

    ARMS: ClassVar[dict[str, str]]
    arms: list[str]
    baseline: str
    primary: str
    labels: list[int]
    primary_labels: int
    steps: int
    compute_steps: int
    gan_step_cost: float


def place(study: CurveSettings, it: Comparison) -> int:
    """Of the comparison's label count among the study's."""
    return study.labels.index(int(it.where.split()[0]))


def tables(study: CurveSettings, results: Results, comparisons: Sequence[Comparison]) -> list[Table]:
    """The primary setting first, then what was trained, the controls, the other settings, and what it cost."""
    against, metric = f"of every arm against {study.baseline}", "test accuracy, %"
    main = [it for it in comparisons if it.baseline == study.baseline]
    other = [it for it in comparisons if it.baseline == "real" != study.baseline]
    nulls = [it for it in comparisons if it.baseline in NULLS and it.baseline != study.baseline]
    ordered = sorted(main, key=lambda it: (place(study, it), not it.primary, study.arms.index(it.arm)))
    first = [it for it in ordered if it.where == f"{study.primary_labels} labels per class"]
    rest = [it for it in ordered if it not in first]
    found = [
        comparison_table(first, title=f"Test accuracy {against}", unit="points", metric=metric, where="setting"),
        Table("The arms", ("arm", "what its classifier is trained on"), tuple((a, study.ARMS[a]) for a in study.arms)),
    ]  # fmt: skip
    if nulls:
        title = f"The GAN's images ({study.primary}) against the controls, {study.primary_labels} labels per class"
        found.insert(1, comparison_table(nulls, title=title, unit="points", metric=metric, where="setting"))
    if rest:
        title = f"With other numbers of labels: test accuracy {against}"
        found.append(comparison_table(rest, title=title, unit="points", metric=metric, where="setting"))
    if other:
        title = "Without classic augmentation: the GAN's images against real images alone"
        found.append(comparison_table(other, title=title, unit="points", metric=metric, where="setting"))
    places = {f"{labels} labels per class": {"labels": labels} for labels in study.labels}
    found.append(pair_table(results, arm=study.primary, baseline=study.baseline, places=places))
    ours = {"pool_noise": "not separated here: each replicate draws its own pool"}
    return [*found, _costs(study, results), anchor_table("augment_curve", ours)]


def _costs(study: CurveSettings, results: Results) -> Table:
    longer = ""
    if "compute" in study.arms:
        steps = f"; for that, the arm compute is given {study.compute_steps} steps instead of {study.steps}"
        longer = f"{steps}. {told(step_cost(study, results), assumed=study.gan_step_cost)}".rstrip(" .")
    parts = {"GAN": {"part": "generator"}, "pool": {"part": "pool"}, **{arm: {"arm": arm} for arm in study.arms}}
    columns = ("run", *(f"{labels} labels per class, s" for labels in study.labels))
    rows = [(name, *(_seconds(results, labels, tags) for labels in study.labels)) for name, tags in parts.items()]
    return Table(
        "What it cost", columns, tuple(rows),
        "Wall seconds of a run, means over the replicates. An arm with the GAN's images needs the GAN and its pool too"
        f"{longer}.",
    )  # fmt: skip


def _seconds(results: Results, labels: int, tags: Mapping[str, Tag]) -> str:
    seconds = [float(each.get("cost", "seconds")) for each in results.find(labels=labels, **tags)]
    return number(sum(seconds) / len(seconds), 1) if seconds else DASH


def step_cost(study: CurveSettings, results: Results) -> float:
    """Of an iteration of the GAN in classifier steps, as measured; NaN where nothing was."""
    return relative_cost(results.find(part="generator"), results.find(arm=study.baseline))


def plots(study: CurveSettings, results: Results) -> list[Plot]:
    """Accuracy by number of labels, or by arm where there is one number; accuracy by class at the primary one."""
    found = []
    note = "Means and 95 % t intervals over replicates; intervals of single arms, not of the paired differences."
    if len(study.labels) > 1:
        for title, arms in (
            ("Accuracy by number of labels", [arm for arm in study.arms if arm not in CONTROLS[1:]]),
            ("The controls", [arm for arm in study.arms if arm in CONTROLS]),
        ):
            lines = [mean_line(arm, [_accuracies(results, arm, n) for n in study.labels]) for arm in arms]
            x = tuple(map(float, study.labels))
            found.append(Plot(title, "labels per class", "test accuracy, %", x, tuple(lines), log_x=True, note=note))
    else:
        line = mean_line("accuracy", [_accuracies(results, arm, study.primary_labels) for arm in study.arms])
        found.append(Plot("Accuracy of each arm", "", "test accuracy, %", tuple(study.arms), (line,), note=note))
    shown = list(dict.fromkeys((study.baseline, study.primary, *(arm for arm in ("more_real",) if arm in study.arms))))
    by_class = [
        class_line(arm, results, "classification", "test", "per_class", scale=100, arm=arm, labels=study.primary_labels)
        for arm in shown
    ]
    names = _class_names(study, results)
    if names:
        title = f"Accuracy by class, {study.primary_labels} labels per class"
        found.append(Plot(title, "class", "test accuracy, %", names, tuple(by_class), note=note))
    return found


def _accuracies(results: Results, arm: str, labels: int) -> list[float]:
    return results.values(*ACCURACY, scale=100, arm=arm, labels=labels)


def _class_names(study: CurveSettings, results: Results) -> tuple[str, ...]:
    found = results.find(arm=study.baseline, labels=study.primary_labels)
    return tuple(map(str, found[0].get("classes"))) if found else ()


def told_nulls(primary: Comparison, comparisons: Sequence[Comparison]) -> str:
    """Where the GAN's images stand beside the controls, in one sentence; empty without controls."""
    held = [it for it in comparisons if it.arm == primary.arm and it.baseline in NULLS and it is not primary]
    if not held:
        return ""
    told = ", ".join(f"{it.baseline} {signed(it.delta)} [{number(it.t.low)}, {number(it.t.high)}]" for it in held)
    unbeaten = [it.baseline for it in held if it.verdict is not Verdict.HELPS]
    beaten = "beats all of them" if not unbeaten else f"is not shown to beat {' or '.join(unbeaten)}"
    return f"Beside its controls {primary.arm} {beaten} (difference from {told})."
