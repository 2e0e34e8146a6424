"""The classes of an evaluation's page."""

from typing import Any

from sparring.report.evaluate import class_table
from sparring.report.protocol import Column


def column(title: str, **per_class: float | None) -> Column:
    cell: dict[str, Any] = {"more": {"per_class": {name.removeprefix("c"): value for name, value in per_class.items()}}}
    return Column(title, {"agreement": cell})


def test_classes_are_named_in_the_order_of_their_numbers() -> None:
    columns = [column("against train", c10=0.5, c2=0.25), column("against test", c2=None)]
    made = class_table(columns, ["plane", "car", "bird"])
    assert made == {
        "columns": ["predicted as asked, against train", "predicted as asked, against test"],
        "rows": [["bird", "0.250", "–"], ["10", "0.500", "–"]],
    }
    assert class_table([Column("against test", {})], ["plane"]) is None
