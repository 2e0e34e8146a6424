"""What a sweep found, in a sentence and in numbers: its last lines on the terminal."""

from collections.abc import Sequence

from sparring.report.figures import number, percent
from sparring.report.runs.row import RunRow
from sparring.report.runs.table import means, number_text, one_per_kind, shared_metrics, value_of, varying


def finding(rows: Sequence[RunRow]) -> tuple[str, str]:
    """Which job is the best by the most telling metric that all share (may be empty); its value, and the mean over seeds."""
    name = next(iter(one_per_kind(shared_metrics(rows))), None)
    known = [row for row in rows if name is not None and value_of(row, name) is not None]
    if name is None or not known:
        return "", "no job measured what all of them measure."
    keys = varying(rows)
    direction = known[0].result["metrics"][name]["direction"]
    if direction == "near_reference":
        values = sorted(value_of(row, name) or 0.0 for row in known)
        return "", f"{name} from {number_text(values[0])} to {number_text(values[-1])}."
    best = (min if direction == "lower" else max)(known, key=lambda row: value_of(row, name) or 0.0)
    settings = " ".join(f"{key}={best.overrides[key]}" for key in keys if key in best.overrides)
    metric = best.result["metrics"][name]
    text = percent(metric) if metric["interval"] else number(metric)
    words = f"The best {name} is that of job {best.number}" + (f" ({settings})" if settings else "") + "."
    figures = [f"{name} {text}"]
    for line in means(rows, keys, [name], {})[:1]:
        figures.append(f"mean {line[len(keys)]} over {line[keys.index('seed')]}")
    return words, f"{', '.join(figures)}."
