"""Tables of `study=cas`: quality of the generated images, overall, by replicate and by class."""

import math
from collections.abc import Sequence

from sparring.study.engine.results import TEST_ACCURACY, Results
from sparring.study.stats import statistics
from sparring.study.tables.analysis import Line, Table
from sparring.study.tables.evaluations import metric_record, metric_text, metric_value, real_data_reference
from sparring.study.tables.plots import class_names, mean_line
from sparring.study.tables.text import DASH, interval_text, mean_std, number

METRICS = ("fd", "kid", "precision", "recall", "density", "coverage", "authentic", "agreement")


def gan_test(results: Results) -> list[float]:
    """GAN-test accuracy in %, of the replicates that have one."""
    values = [metric_value(each, "agreement") for each in results.find(part="gan_test")]
    return [100 * value for value in values if value is not None]


def class_gan_test(results: Results) -> Line:
    """GAN-test of each class, as a group of bars."""
    records = [metric_record(each, "agreement")["more"]["per_class"] for each in results.find(part="gan_test")]
    classes = range(len(class_names(results, arm="real")))
    return mean_line("GAN-test", [[100 * each.get(str(k), math.nan) for each in records] for k in classes])


def metrics_table(results: Results) -> Table:
    """Mean over replicates of every metric of the generated images."""
    rows = [_metric_row("GAN-test, %", gan_test(results), [])]
    for metric in METRICS:
        records = [metric_record(each, metric) for each in results.find(part="quality")]
        values = [float(record["value"]) for record in records if record["value"] is not None]
        references = [value for record in records if (value := real_data_reference(record)) is not None]
        name = str(records[-1]["name"]) if records else metric
        rows.append(_metric_row(name, values, references))
    return Table(
        "The generated images themselves, against the test images", ("metric", "mean ± std", "95 % t", "real images"),
        tuple(rows), "Real images: the same metric of training images in place of generated ones. GAN-test: share of generated "
        "images that the classifier trained on real ones assigns to the class asked for; above the accuracy on real images it "
        "hints at images that are too easy, or copied. AuthPct: share of generated images that copy no training image.",
    )  # fmt: skip


def _metric_row(name: str, values: Sequence[float], references: Sequence[float]) -> tuple[str, ...]:
    reference = number(statistics.mean(references), 3)
    return name, mean_std(values, 3), interval_text(statistics.t_interval(values), 3), reference


def replicates_table(results: Results, arms: Sequence[str]) -> Table:
    """Usefulness next to quality, replicate by replicate."""
    metrics = {"fd": "fd", "kid": "kid", "coverage": "coverage", "AuthPct": "authentic"}
    rows = []
    for r in range(results.replicates):
        quality = results.one(part="quality", replicate=r)
        test = results.one(part="gan_test", replicate=r)
        runs = [results.one(arm=arm, replicate=r) for arm in arms]
        accuracies = [number(100 * each.get(*TEST_ACCURACY)) if each else DASH for each in runs]
        texts = [metric_text(quality, metric) for metric in metrics.values()]
        rows.append((str(r), *accuracies, metric_text(test, "agreement", 100), *texts))
    return Table("Replicate by replicate", ("replicate", *arms, "GAN-test", *metrics), tuple(rows), "Accuracies in %.")
