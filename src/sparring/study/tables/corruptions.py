"""Tables and plots of accuracy by corruption, severity and arm."""

from collections.abc import Collection, Sequence

from sparring.corruption.table import SEVERITIES
from sparring.study.engine.results import Results
from sparring.study.stats import statistics
from sparring.study.tables.analysis import Plot, Table
from sparring.study.tables.plots import ACCURACY_LABEL, NOTE, mean_line
from sparring.study.tables.robustness import error_rates, mce_values
from sparring.study.tables.text import DASH, mean_std, number

EVALUATION = "evaluation"  # the tag `part` of the cells that evaluate corrupted images


def accuracies(results: Results, arm: str) -> dict[str, list[list[float]]]:
    """Corruption -> severity -> accuracy in % per replicate that finished."""
    tables = [error_rates(each) for each in results.find(arm=arm, part=EVALUATION)]
    kinds = list(tables[0]) if tables else []
    return {kind: [[100 * (1 - table[kind][s - 1]) for table in tables] for s in SEVERITIES] for kind in kinds}


def by_severity(results: Results, arm: str) -> list[list[float]]:
    """Severity -> mean accuracy in % over corruptions, per replicate that finished."""
    of_arm = accuracies(results, arm).values()
    return [
        [statistics.mean(kinds) for kinds in zip(*[severities[s - 1] for severities in of_arm], strict=True)]
        for s in SEVERITIES
    ]


def kinds_table(results: Results, arms: Sequence[str]) -> Table:
    """Mean accuracies at severities 1 to 5, by corruption and arm."""
    of_arms = {arm: accuracies(results, arm) for arm in arms}
    kinds = list(dict.fromkeys(kind for of_arm in of_arms.values() for kind in of_arm))
    rows = []
    for kind in kinds:
        texts = [[number(statistics.mean(each), 0) for each in of_arms[arm].get(kind, [])] for arm in arms]
        rows.append((kind, *[" / ".join(each) or DASH for each in texts]))
    note = "Test accuracy in %, mean over replicates, at severities 1 / 2 / 3 / 4 / 5."
    return Table("Accuracy by corruption and severity", ("corruption", *arms), tuple(rows), note)


def severities_table(results: Results, arms: Sequence[str]) -> Table:
    """Mean accuracy over corruptions, by severity and arm."""
    rows = tuple((arm, *[mean_std(values) for values in by_severity(results, arm)]) for arm in arms)
    head = ("arm", *[f"severity {s}" for s in SEVERITIES])
    return Table("Accuracy by severity", head, rows, "Mean over corruptions; ± over replicates.")


def mce_table(results: Results, arms: Sequence[str], baseline: str) -> Table:
    """mCE of every arm, replicate by replicate."""
    values = {arm: mce_values(results, arm, baseline, part=EVALUATION) for arm in arms}
    rows = [(arm, mean_std(each), *[number(value, 3) for value in each]) for arm, each in values.items()]
    head = ("arm", "mean ± std", *[f"replicate {r}" for r in range(results.replicates)])
    return Table(f"mCE against {baseline}", head, tuple(rows), "1: as many errors as the baseline; less is better.")


def corruption_plots(results: Results, arms: Sequence[str], *, kinds_of: Collection[str]) -> list[Plot]:
    """Accuracy by severity of every arm, and by corruption of the arms `kinds_of`."""
    severity_lines = [mean_line(arm, by_severity(results, arm)) for arm in arms]
    kinds: list[str] = []
    kind_lines = []
    for arm in arms:
        of_arm = accuracies(results, arm)
        kinds = list(of_arm) or kinds
        if arm in kinds_of:
            means = [[statistics.mean(each) for each in zip(*of_kind, strict=True)] for of_kind in of_arm.values()]
            kind_lines.append(mean_line(arm, means))
    x = tuple(map(float, SEVERITIES))
    return [
        Plot("Accuracy by severity", "severity", ACCURACY_LABEL, x, tuple(severity_lines), note=NOTE),
        Plot("Accuracy by corruption", "", ACCURACY_LABEL, tuple(kinds), tuple(kind_lines), note=NOTE),
    ]
