"""The values of an evaluation as every `result.json` states metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

from sparring.core.measurement import Direction, Measurement
from sparring.metric.suite import METRICS

DIRECTIONS: Mapping[bool | None, Direction] = {True: "higher", False: "lower", None: "near_reference"}


def metrics_of(records: Sequence[Mapping[str, Any]]) -> dict[str, Measurement]:
    """`test/fd_classifier_1000` -> its value.

    Args:
        records: those of `evaluation.record.records`.
    """
    return {
        f"{each['split']}/{each['name']}": Measurement(
            value=each["value"],
            std=each["std"],
            direction=DIRECTIONS[METRICS[each["metric"]][1]],
            protocol=each["protocol"],
            reason="" if each["value"] is not None else each["reason"],
            reference=each["real_data_reference"],
        )
        for each in records
    }
