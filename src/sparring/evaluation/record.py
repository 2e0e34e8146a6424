"""What an evaluation writes: a record of each value with its protocol, and the nearest training images as a picture."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.core.picture import grid_of_rows, write_png
from sparring.evaluation.features import RealFeatures
from sparring.evaluation.measure import HALVES, Measurements, MetricResult, Subject
from sparring.metric.memorisation import nearest_train
from sparring.metric.naming import metric_name
from sparring.metric.suite import METRICS

PICTURED, NEIGHBOURS = 10, 5
CHOSEN_BY = (
    "classes",
    "labels_per_class",
    "label_fraction",
    "imbalance",
)  # settings of data that choose a part of train
BETTER = {True: "higher", False: "lower", None: "near the reference"}


def records(measurements: Measurements, subject: Subject, real: RealFeatures, *, k: int) -> list[dict[str, Any]]:
    """Plain values for `metrics` in result.json, one per metric and split. k: neighbours that were used."""
    return [_record(result, subject, real, k) for result in measurements.results]


def _record(result: MetricResult, subject: Subject, real: RealFeatures, k: int) -> dict[str, Any]:
    whole_train = is_whole_train(subject, result.split)
    info, real_data = METRICS[result.metric], result.real_data
    return {
        "name": metric_name(result.metric, real.extractor, subject.count, whole_train=whole_train),
        "metric": result.metric,
        "means": info.description,
        "split": result.split,
        "value": result.mean.value,
        "reason": result.mean.reason,
        "values": list(result.values),
        "std": result.std,
        "real_data_reference": real_data.values[result.metric].value,
        "real_data_reference_images": [real_data.images, real_data.reference_images],
        "better": BETTER[info.higher_is_better],
        "more": result.mean.more,
        "protocol": {
            "features": real.extractor.protocol(),
            "reference": {"split": result.split, "images": result.reference_count,
                          "fingerprint": subject.data.fingerprints()[result.split]},
            "count": subject.count,
            "neighbours": k,
            "repeats": subject.repeats,
            "std": _std_text(subject.repeats),
            "real_data_reference": f"{real_data.images} real images in place of the samples, against "
                                   f"{real_data.reference_images}",
            **subject.protocol,
        },
    }  # fmt: skip


def _std_text(repeats: int) -> str:
    if repeats > 1:
        return f"standard deviation over {repeats} independent sets of samples"
    return f"standard deviation over {HALVES} random halves of the samples"


def is_whole_train(subject: Subject, split: str) -> bool:
    """Whether the reference is that of published FIDs: the whole training split, nothing held out for val."""
    partial = any(subject.data_settings[key] is not None for key in CHOSEN_BY)
    return split == "train" and not partial and len(subject.data.whole("val").label) == 0


def draw_neighbours(path: Path, measurements: Measurements, real: RealFeatures) -> None:
    """Write a PNG with a row per sample: the sample, then the training images nearest to it in the features."""
    chosen = _first_of_each_class(measurements.first.label)
    train = real["train"].features
    _, index = nearest_train(measurements.first_features.features[chosen], train, k=min(NEIGHBOURS, len(train)))
    samples = measurements.first.image[chosen]
    rows = [torch.cat([samples[i : i + 1], real.data.train_images(index[i]).cpu()]) for i in range(len(samples))]
    path.parent.mkdir(exist_ok=True)
    write_png(path, grid_of_rows(rows))


def _first_of_each_class(label: Tensor) -> Tensor:
    """Rows of the first sample of each class, then of the first samples, PICTURED in all."""
    labels = label.tolist()
    firsts = [labels.index(k) for k in sorted(set(labels))][:PICTURED]
    return torch.tensor((firsts + [i for i in range(len(labels)) if i not in firsts])[:PICTURED])
