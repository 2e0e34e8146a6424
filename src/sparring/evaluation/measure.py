"""From samples and real images to values with standard deviation and real-data reference.

Values of few images are biased (a Frechet distance by about 1 / images), so each stands next to its real-data reference: what
real images get in place of the samples.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from sparring.core.progress import tracked, working
from sparring.core.randomness import generator
from sparring.core.types import Batch
from sparring.data.module.image_data import ImageData
from sparring.evaluation.features import RealFeatures
from sparring.metric.stateful import DiscriminatorOverfit, SampleMetrics
from sparring.metric.suite import ImageFeatures, MetricValue, Reference, measure

HALVES = 10  # random halves of a single set of images, for the standard deviation
FEWEST = 8  # images of which halves are taken
MAX_DISCRIMINATED = 2000  # images of each kind that the discriminator rates, at most


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Args:
        draw: yields `repeats` sets of `count` samples, uint8 images and labels.
        data: the data set that they are compared with, set up; built from `data_settings`, plain values.
        origin: where the samples come from, for the record.
        protocol: how they were drawn, for the record.
        logits: the discriminator, (image (N, C, H, W) uint8, label (N,)) -> (N,), or None.
    """

    draw: Callable[[], Iterator[Batch]]
    count: int
    repeats: int
    data: ImageData
    data_settings: Mapping[str, Any]
    origin: dict[str, Any]
    protocol: dict[str, Any]
    logits: Callable[[Tensor, Tensor], Tensor] | None


@dataclass(frozen=True)
class RealDataReference:
    """The metrics of real images in place of the samples, by metric.

    images: how many stood in for the samples. reference_images: how many they were measured against.
    """

    values: Mapping[str, MetricValue]
    images: int
    reference_images: int


@dataclass(frozen=True)
class MetricResult:
    """One metric against one split.

    values: one per set of samples; `mean` is their mean. std: None where there is none.
    reference_count: real images of the split.
    """

    metric: str
    split: str
    mean: MetricValue
    values: tuple[float, ...]
    std: float | None
    real_data: RealDataReference
    reference_count: int


@dataclass(frozen=True)
class Measurements:
    """Every metric against every split. first, first_features: the first set of samples. discriminator: as `Overfit`."""

    results: Sequence[MetricResult]
    first: Batch
    first_features: ImageFeatures
    discriminator: dict[str, Any] | None


def measure_all(
    subject: Subject, real: RealFeatures, *, splits: Sequence[str], names: Sequence[str], k: int
) -> Measurements:
    """Measure every metric against every split; the features of each sample are extracted once.

    Args:
        subject: the samples.
        real: features of the data that the samples are compared with.
        splits: of the data set.
        names: keys of METRICS.
        k: neighbours of precision, recall, density and coverage.

    Raises:
        DataError: the samples' features hold NaN, or a split has no images.
    """
    with working("features of the real images"):
        metrics = {split: SampleMetrics(names=names, k=k, reference=real.reference(split, names)) for split in splits}
    values: dict[str, list[Mapping[str, MetricValue]]] = {split: [] for split in splits}
    first: tuple[Batch, ImageFeatures] | None = None
    for batch in tracked(subject.draw(), "sets of samples", total=subject.repeats):
        samples = real.of(batch)
        first = first or (batch, samples)
        for split, metric in metrics.items():
            metric.update(samples)
            values[split].append(metric.values())
            metric.reset()
    assert first is not None
    results = []
    for split in splits:
        with working(f"real images against {split}"):
            std = standard_deviations(values[split], first[1], real.reference(split, names), names, k)
            real_data = real_data_reference(real, split, subject.count, names=names, k=k)
        for name in names:
            mean, each = mean_over_sets([by_metric[name] for by_metric in values[split]])
            results.append(MetricResult(name, split, mean, each, std[name], real_data, len(real[split])))
    return Measurements(results, *first, _discriminator(subject, first[0]))


def mean_over_sets(sets: Sequence[MetricValue]) -> tuple[MetricValue, tuple[float, ...]]:
    """(mean of a metric over the sets of samples, its value in each); no mean where a set has no value."""
    values = tuple(each.value for each in sets if each.value is not None)
    if len(values) < len(sets):
        return next(each for each in sets if each.value is None), values
    return MetricValue(sum(values) / len(values), more=_mean_parts(sets)), values


def _mean_parts(sets: Sequence[MetricValue]) -> dict[str, Any]:
    """The parts of the first set, but the classes' values as the mean over the sets, as the value is."""
    parts = [each.more.get("per_class", {}) for each in sets]
    shared = [c for c in parts[0] if all(c in part for part in parts)]
    mean = {c: sum(part[c] for part in parts) / len(parts) for c in shared}
    return sets[0].more | ({"per_class": mean} if mean else {})


def standard_deviations(
    sets: Sequence[Mapping[str, MetricValue]],
    samples: ImageFeatures,
    reference: Reference,
    names: Sequence[str],
    k: int,
) -> dict[str, float | None]:
    """By metric: over the sets; of a single set, over random halves of its `samples`. None where there is none.

    A half drawn without replacement varies around the whole as the whole varies around the truth (the delete-half
    jackknife, Shao and Wu 1989), so no factor is needed.
    """
    if len(sets) == 1:
        if len(samples) < FEWEST:
            return dict.fromkeys(names)
        draws = generator("halves", len(samples))
        halves = [torch.randperm(len(samples), generator=draws)[: len(samples) // 2] for _ in range(HALVES)]
        sets = [measure(samples[half], reference, names=names, k=k) for half in halves]
    return {name: _standard_deviation([each[name].value for each in sets]) for name in names}


def _standard_deviation(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < 2 or len(known) < len(values):
        return None
    mean = sum(known) / len(known)
    return math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))


def real_data_reference(
    real: RealFeatures, split: str, count: int, *, names: Sequence[str], k: int
) -> RealDataReference:
    """The metrics of `count` training images, at most half of them, in place of samples.

    They are measured against the other training images, or against val or test: what a perfect generator would get, up to
    the smaller counts, which the record names.
    """
    train, draws = real["train"], generator("real-data reference", count)
    order = torch.randperm(len(train), generator=draws)
    size = min(count, len(train) // 2)
    stand_ins, rest = train[order[:size]], train[order[size:]]  # an image must not be its own neighbour
    reference = Reference(rest if split == "train" else real[split], rest, real.held_out(), real.num_classes)
    values = measure(stand_ins, reference, names=names, k=k)
    return RealDataReference(values, len(stand_ins), len(reference.real))


def _discriminator(subject: Subject, samples: Batch) -> dict[str, Any] | None:
    """How D rates training, held-out and generated images, at most MAX_DISCRIMINATED of each."""
    if subject.logits is None:
        return None
    held_out = subject.data.whole("val") if len(subject.data.whole("val").label) else subject.data.whole("test")
    train, held_out, fake = (_some(each) for each in (subject.data.whole("train"), held_out, samples))
    metric = DiscriminatorOverfit()
    metric.update("train", subject.logits(train.image, train.label))
    metric.update("held_out", subject.logits(held_out.image, held_out.label))
    metric.update("fake", subject.logits(fake.image, fake.label))
    return asdict(metric.values()) | {"images": [len(batch.label) for batch in (train, held_out, fake)]}


def _some(batch: Batch) -> Batch:
    order = torch.randperm(len(batch.label), generator=generator("discriminator overfit", len(batch.label)))[
        :MAX_DISCRIMINATED
    ]
    return Batch(batch.image[order], batch.label[order])
