"""From values to records and the table of them."""

from types import SimpleNamespace
from typing import Any

from sparring.evaluation.measure import mean_over_sets
from sparring.evaluation.record import CHOSEN_BY, is_whole_train
from sparring.metric.suite import MetricValue
from sparring.report.protocol import text_table


def test_the_classes_values_are_means_over_the_sets_as_the_value_is() -> None:
    sets = [
        MetricValue(1.0, more={"per_class": {"0": 1.0, "1": 3.0}}),
        MetricValue(3.0, more={"per_class": {"0": 2.0, "1": 7.0}}),
    ]
    mean, values = mean_over_sets(sets)
    assert (mean.value, values) == (2.0, (1.0, 3.0))
    assert mean.more == {"per_class": {"0": 1.5, "1": 5.0}}


def test_a_row_of_a_table_has_the_names_of_all_its_columns() -> None:
    base = {
        "metric": "fd", "value": 5.0, "std": 0.1, "real_data_reference": 2.0, "real_data_reference_images": [9, 9], "reason": "",
    }  # fmt: skip
    records = [
        base | {"name": name, "protocol": {"count": 9, "reference": {"split": split, "images": 9}}}
        for name, split in (("fid50k", "train"), ("fd_inception_50k", "test"))
    ]
    assert text_table(records).splitlines()[1].startswith("fid50k, fd_inception_50k  ")


def test_a_part_of_the_training_split_is_not_the_published_reference() -> None:
    data = SimpleNamespace(whole=lambda _: SimpleNamespace(label=[]))

    def standard(split: str, **settings: Any) -> bool:
        subject = SimpleNamespace(data=data, data_settings=dict.fromkeys(CHOSEN_BY) | settings)
        return is_whole_train(subject, split)  # type: ignore[arg-type]

    assert standard("train")
    assert not standard("test")
    assert not standard("train", labels_per_class=100)
    assert not standard("train", classes=[0, 1])
