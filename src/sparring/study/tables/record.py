"""A study as plain values for result.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sparring.core.measurement import Measurement
from sparring.study.engine.plan import Planned
from sparring.study.engine.results import Results
from sparring.study.engine.run import CellOutcome
from sparring.study.tables.analysis import Analysis

COPIED = ("metrics", "clock", "cost")  # entries of a cell's result.json that the study's repeats


def analysis_record(analysis: Analysis) -> dict[str, Any]:
    """The whole analysis; a comparison has its values per replicate."""
    return {
        "question": analysis.question,
        "conclusion": analysis.conclusion,
        "verdict": analysis.verdict.value if analysis.verdict is not None else None,
        "comparisons": [each.record() for each in analysis.comparisons],
        "tables": [asdict(each) for each in analysis.tables],
        "plots": [asdict(each) for each in analysis.plots],
        "pictures": [asdict(each) for each in analysis.pictures],
        "pictures_title": analysis.pictures_title,
        "limits": list(analysis.limits),
        "numbers": analysis.numbers,
        "heat_maps": [asdict(each) for each in analysis.heat_maps],
        "multiples": asdict(analysis.multiples) if analysis.multiples else None,
        "texts": [asdict(each) for each in analysis.texts],
    }


def cells_record(
    planned: Sequence[Planned], outcomes: Mapping[str, CellOutcome], results: Results
) -> dict[str, dict[str, Any]]:
    """By name of the cell: its stage and overrides, its cache key, how it ended, and its numbers."""
    record = {}
    for each in planned:
        name, outcome = each.cell.name, outcomes[each.cell.name]
        finished = results.cell(name)
        record[name] = {
            "verb": each.cell.verb, "overrides": list(each.cell.overrides), "tags": dict(each.cell.tags),
            "inputs": list(each.inputs), "key": each.key, "state": outcome.state, "reason": outcome.reason,
            "seconds": outcome.seconds,
            **({key: finished.result[key] for key in COPIED if key in finished.result} if finished else {}),
        }  # fmt: skip
    return record


def metrics_record(analysis: Analysis) -> dict[str, dict[str, Any]]:
    """The differences between arms as metrics: `difference/test accuracy/gan - aug/50 labels per class`."""
    metrics = {}
    for each in analysis.comparisons:
        parts = ("difference", each.measure, f"{each.arm} - {each.baseline}", each.where)
        protocol = {
            "measure": each.measure, "unit": "percentage points", "arm": each.arm, "baseline": each.baseline,
            "where": each.where, "primary": each.primary, "replicates": each.n, "interval": "95 % t, paired",
        }  # fmt: skip
        interval = (each.t_interval.low, each.t_interval.high)
        measured = Measurement(value=each.delta, interval=interval, direction="higher", protocol=protocol)
        metrics["/".join(filter(None, parts))] = measured.record()
    return metrics


def costs_record(planned: Sequence[Planned], outcomes: Mapping[str, CellOutcome], seconds: float) -> dict[str, Any]:
    """Seconds of this call, and worker seconds of all cells, those of earlier calls included, by kind of cell.

    Args:
        planned: every cell.
        outcomes: how each ended, by name.
        seconds: wall time of this call.
    """
    kinds: dict[str, dict[str, float]] = {}
    for each in planned:
        kind = kinds.setdefault(f"{each.cell.verb} {each.cell.tags.get('arm', '(shared)')}", {"cells": 0, "seconds": 0})
        kind["cells"] += 1
        kind["seconds"] = round(kind["seconds"] + outcomes[each.cell.name].seconds, 2)
    return {
        "seconds": round(seconds, 1),
        "cell_seconds": round(sum(k["seconds"] for k in kinds.values()), 1),
        "kinds": kinds,
    }
