"""Tables of `study=borrowed`."""

from collections.abc import Sequence

from sparring.metric.suite import METRICS
from sparring.study.engine.results import Results
from sparring.study.stats import statistics
from sparring.study.tables.analysis import Table
from sparring.study.tables.evaluations import metric_record, real_data_reference
from sparring.study.tables.text import mean_std, number


def privacy_table(results: Results, metrics: Sequence[str]) -> Table:
    """How near the released images are to the lender's training images, beside what real images would show."""
    rows = []
    for metric in metrics:
        records = [metric_record(each, metric) for each in results.find(part="privacy")]
        values = [float(record["value"]) for record in records if record["value"] is not None]
        real = [value for record in records if (value := real_data_reference(record)) is not None]
        rows.append((METRICS[metric][0], mean_std(values), number(statistics.mean(real))))
    return Table(
        "What the lender gives away: the released images against its training images",
        ("measure, in pixels", "released images", "training images themselves"), tuple(rows),
        "Mean ± standard deviation over replicates. AuthPct: share of the images that lie farther from their nearest training "
        "image than that one from its own nearest. Distance ratio: to training images over that to test images; about 1 if the "
        "generator is no nearer to what it was trained on, below it if it repeats it.",
    )  # fmt: skip
