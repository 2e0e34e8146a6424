"""Tables and plots of accuracy by corruption, severity and arm."""

from collections.abc import Collection, Sequence

from sparring.corruption.table import SEVERITIES
from sparring.study.engine.results import Results
from sparring.study.tables.analysis import DASH, Plot, Table, number, spread
from sparring.study.tables.curve import mean_line
from sparring.study.tables.robustness import errors, known, mce_values

JUDGED = "judge"  # the tag `part` of the cells that looked at corruptions


def right(results: Results, arm: str) -> dict[str, list[list[float]]]:
    """Corruption -> severity -> accuracy in % per replicate that finished."""
    tables = [errors(each) for each in results.find(arm=arm, part=JUDGED)]
    names = list(tables[0]) if tables else []
    return {name: [[100 * (1 - table[name][s - 1]) for table in tables] for s in SEVERITIES] for name in names}


def kinds_table(results: Results, arms: Sequence[str]) -> Table:
    """Mean accuracies at severities 1 to 5, by corruption and arm."""
    found = {arm: right(results, arm) for arm in arms}
    names = list(dict.fromkeys(name for each in found.values() for name in each))
    rows = [
        (
            name,
            *[" / ".join(number(sum(s) / len(s), 0) for s in found[arm].get(name, [])) or DASH for arm in arms],
        )
        for name in names
    ]
    note = "Test accuracy in %, mean over replicates, at severities 1 / 2 / 3 / 4 / 5."
    return Table("Accuracy by corruption and severity", ("corruption", *arms), tuple(rows), note)


def severities_table(results: Results, arms: Sequence[str]) -> Table:
    """Mean accuracy over corruptions, by severity and arm."""
    rows = []
    for arm in arms:
        found = right(results, arm).values()
        by_severity = [
            [_mean(kinds) for kinds in zip(*[each[s - 1] for each in found], strict=True)] for s in SEVERITIES
        ]
        rows.append((arm, *[spread(each) for each in by_severity]))
    head = ("arm", *[f"severity {s}" for s in SEVERITIES])
    return Table("Accuracy by severity", head, tuple(rows), "Mean over corruptions; ± over replicates.")


def mce_table(results: Results, arms: Sequence[str], baseline: str) -> Table:
    """Replicate by replicate."""
    found = {arm: mce_values(results, arm, baseline, part=JUDGED) for arm in arms}
    rows = [(arm, spread(known(each)), *[number(value, 3) for value in each]) for arm, each in found.items()]
    head = ("arm", "mean ± sd", *[f"replicate {r}" for r in range(results.replicates)])
    return Table(f"mCE against {baseline}", head, tuple(rows), "1 is as many errors as the baseline, less is better.")


def corruption_plots(results: Results, arms: Sequence[str], *, kinds_of: Collection[str]) -> list[Plot]:
    """Accuracy by severity of every arm, and by corruption of the arms `kinds_of`."""
    note = "Means and 95 % t intervals over replicates; of single arms, not of the paired differences."
    by_severity, by_kind = [], []
    kinds: list[str] = []
    for arm in arms:
        found = right(results, arm)
        kinds = list(found) or kinds
        by_severity.append(
            mean_line(arm, [[_mean(k) for k in zip(*[each[s - 1] for each in found.values()], strict=True)]
                            for s in SEVERITIES])
        )  # fmt: skip
        if arm in kinds_of:
            by_kind.append(mean_line(arm, [[_mean(k) for k in zip(*each, strict=True)] for each in found.values()]))
    x = tuple(map(float, SEVERITIES))
    return [
        Plot("Accuracy by severity", "severity", "test accuracy, %", x, tuple(by_severity), note=note),
        Plot("Accuracy by corruption", "", "test accuracy, %", tuple(kinds), tuple(by_kind), note=note),
    ]


def _mean(found: Sequence[float]) -> float:
    return sum(found) / len(found)
