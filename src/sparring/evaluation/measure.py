"""From samples and references to values with spread, floor and protocol."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from sparring.core.picture import grid_of_rows, write_png
from sparring.core.randomness import generator
from sparring.core.types import Batch
from sparring.data.module.image_data import ImageData
from sparring.metric.cache import real_side
from sparring.metric.features.base import Features
from sparring.metric.memorisation import nearest_train
from sparring.metric.naming import metric_name
from sparring.metric.overfit import overfit
from sparring.metric.suite import MEMORISATION, METRICS, MetricValue, Reference, Side, measure

HALVES = 10  # random halves of images that exist, for the spread
JUDGED = 2000  # images of each kind that the discriminator is asked about, at most
SHOWN, NEIGHBOURS = 10, 5
SUBSET = ("classes", "labels_per_class", "label_fraction", "imbalance")  # settings of data that choose a part of train


@dataclass(frozen=True)
class Subject:
    """What is measured. draw: the sets of samples, `repeats` of `count` uint8 images each. data: their reference, opened.

    origin, protocol: for the record. logits: the discriminator, (image uint8, label) -> (N,), or None.
    """

    draw: Callable[[], Iterator[Batch]]
    count: int
    repeats: int
    data: ImageData
    data_config: DictConfig
    origin: dict[str, Any]
    protocol: dict[str, Any]
    logits: Callable[[Tensor, Tensor], Tensor] | None


class Sides:
    """Features of the real splits, each computed once and cached by the fingerprint of its images."""

    def __init__(self, data: ImageData, features: Features, cache_dir: Path) -> None:
        self.data, self.features, self.cache_dir = data, features, cache_dir
        self._known: dict[str, Side] = {}

    def __getitem__(self, split: str) -> Side:
        if split not in self._known:
            whole = self.data.whole(split)
            real = real_side(
                self.features, whole.image, fingerprint=self.data.fingerprints()[split], split=split,
                cache_dir=self.cache_dir,
            )  # fmt: skip
            self._known[split] = Side(real.features, real.logits, whole.label)
        return self._known[split]

    @property
    def num_classes(self) -> int:
        return self.data.shape.num_classes

    def held_out(self) -> Side:
        """Real images that no generator trained on, and no reference is: val, else test."""
        return self["val"] if len(self.data.whole("val").label) > 1 else self["test"]

    def reference(self, split: str, names: Sequence[str]) -> Reference:
        """What the metrics `names` are measured against: features of the training images only where one asks for them."""
        if any(name in MEMORISATION for name in names):
            return Reference(self[split], self["train"], self.held_out(), self.num_classes)
        real = self[split]
        labels = Side(real.features[:0], None, self.data.train_labels)
        return Reference(real, labels, real[:0], self.num_classes)

    def of(self, batch: Batch) -> Side:
        """Features of samples."""
        extracted = self.features.extract(batch.image)
        return Side(extracted.features, extracted.logits, batch.label)


@dataclass(frozen=True)
class Value:
    """One metric against one split. values: one per set of samples. floor: of real images in place of samples.

    floor_images: how many of them, and of the reference images that they are held against.
    """

    metric: str
    split: str
    found: MetricValue
    values: tuple[float, ...]
    spread: float | None
    floor: MetricValue
    floor_images: tuple[int, int]
    reference_count: int


@dataclass(frozen=True)
class Measured:
    values: Sequence[Value]
    subject: Subject
    sides: Sides
    first: Batch
    first_side: Side
    discriminator: dict[str, Any] | None
    k: int

    def records(self) -> list[dict[str, Any]]:
        """Plain values for result.json."""
        return [self._record(value) for value in self.values]

    def _record(self, value: Value) -> dict[str, Any]:
        features, subject = self.sides.features, self.subject
        return {
            "name": metric_name(value.metric, features, subject.count, whole_train=self._whole_train(value.split)),
            "metric": value.metric,
            "means": METRICS[value.metric][0],
            "reference": value.split,
            "value": value.found.value,
            "reason": value.found.reason,
            "values": list(value.values),
            "spread": value.spread,
            "floor": value.floor.value,
            "floor_images": list(value.floor_images),
            "better": {True: "higher", False: "lower", None: "near the floor"}[METRICS[value.metric][1]],
            "more": value.found.more,
            "protocol": {
                "features": features.protocol(),
                "reference": {"split": value.split, "images": value.reference_count,
                              "fingerprint": subject.data.fingerprints()[value.split]},
                "count": subject.count,
                "neighbours": self.k,
                "repeats": subject.repeats,
                "spread": self._spread_words(),
                "floor": "{} real images in place of the samples, against {}".format(*value.floor_images),
                **subject.protocol,
            },
        }  # fmt: skip

    def _spread_words(self) -> str:
        if self.subject.repeats > 1:
            return f"standard deviation over {self.subject.repeats} independent sets of samples"
        return f"standard deviation over {HALVES} random halves of the samples"

    def _whole_train(self, split: str) -> bool:
        """As published FIDs have it: the whole training split, nothing held out for val and no part of it chosen."""
        chosen = any(self.subject.data_config[key] is not None for key in SUBSET)
        return split == "train" and not chosen and len(self.subject.data.whole("val").label) == 0

    def text(self) -> str:
        from sparring.report.protocol import text_table

        return text_table(self.records())

    def draw_neighbours(self, path: Path) -> None:
        """A row per sample: the sample, then the training images nearest to it in the features."""
        shown = self._shown()
        train = self.sides["train"].features
        _, index = nearest_train(self.first_side.features[shown], train, k=min(NEIGHBOURS, len(train)))
        samples = self.first.image[shown]
        rows = [
            torch.cat([samples[i : i + 1], self.subject.data.train_images(index[i]).cpu()]) for i in range(len(samples))
        ]
        path.parent.mkdir(exist_ok=True)
        write_png(path, grid_of_rows(rows))

    def _shown(self) -> Tensor:
        """The first sample of each class, then the first ones, SHOWN in all."""
        label = self.first.label.tolist()
        firsts = [label.index(k) for k in sorted(set(label))][:SHOWN]
        return torch.tensor((firsts + [i for i in range(len(label)) if i not in firsts])[:SHOWN])


def measure_all(subject: Subject, sides: Sides, *, splits: Sequence[str], names: Sequence[str], k: int) -> Measured:
    """Every metric against every split, each sample's features computed once.

    Raises:
        DataError: the samples' features hold NaN, or a split has no images.
    """
    results: dict[str, list[Mapping[str, MetricValue]]] = {split: [] for split in splits}
    first: tuple[Batch, Side] | None = None
    for batch in subject.draw():
        side = sides.of(batch)
        first = first or (batch, side)
        for split in splits:
            results[split].append(measure(side, sides.reference(split, names), names=names, k=k))
    assert first is not None
    values = []
    for split in splits:
        spreads = _spreads(results[split], first[1], sides.reference(split, names), names, k)
        floor, floor_images = floors(sides, split, subject.count, names=names, k=k)
        for name in names:
            found, own = _mean_of([each[name] for each in results[split]])
            values.append(Value(name, split, found, own, spreads[name], floor[name], floor_images, len(sides[split])))
    return Measured(values, subject, sides, *first, _judged(subject, first[0]), k)


def _mean_of(sets: Sequence[MetricValue]) -> tuple[MetricValue, tuple[float, ...]]:
    values = tuple(each.value for each in sets if each.value is not None)
    if len(values) < len(sets):
        return next(each for each in sets if each.value is None), values
    return MetricValue(sum(values) / len(values), more=_more_of(sets)), values


def _more_of(sets: Sequence[MetricValue]) -> dict[str, Any]:
    """The parts of the first set, but the classes' values as the mean over the sets, as the value is."""
    parts = [each.more.get("per_class", {}) for each in sets]
    shared = [c for c in parts[0] if all(c in part for part in parts)]
    mean = {c: sum(part[c] for part in parts) / len(parts) for c in shared}
    return sets[0].more | ({"per_class": mean} if mean else {})


def _spreads(
    sets: Sequence[Mapping[str, MetricValue]], side: Side, reference: Reference, names: Sequence[str], k: int
) -> dict[str, float | None]:
    """Standard deviation over the sets; of a single set, over random halves of it.

    A half drawn without replacement scatters around the whole as the whole scatters around the truth (the delete-half
    jackknife, Shao and Wu 1989), so no factor is needed.
    """
    if len(sets) == 1:
        if len(side) < 8:
            return dict.fromkeys(names)
        draws = generator("halves", len(side))
        halves = [torch.randperm(len(side), generator=draws)[: len(side) // 2] for _ in range(HALVES)]
        sets = [measure(side[half], reference, names=names, k=k) for half in halves]
    return {name: _deviation([each[name].value for each in sets]) for name in names}


def _deviation(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < 2 or len(known) < len(values):
        return None
    mean = sum(known) / len(known)
    return math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))


def floors(
    sides: Sides, split: str, count: int, *, names: Sequence[str], k: int
) -> tuple[dict[str, MetricValue], tuple[int, int]]:
    """The metrics of real images in place of samples: (values, (number of them, of their reference)).

    Some training images, at most half of them, are held against the others, or against val or test: what a perfect
    generator would get, up to the smaller counts, which the record names.
    """
    train, draws = sides["train"], generator("floor", count)
    order = torch.randperm(len(train), generator=draws)
    size = min(count, len(train) // 2)
    fake, rest = train[order[:size]], train[order[size:]]  # an image must not be its own neighbour
    reference = Reference(rest if split == "train" else sides[split], rest, sides.held_out(), sides.num_classes)
    return dict(measure(fake, reference, names=names, k=k)), (len(fake), len(reference.real))


def _judged(subject: Subject, samples: Batch) -> dict[str, Any] | None:
    """The discriminator's accuracy on training, held-out and generated images, all of one size at most."""
    if subject.logits is None:
        return None
    held_out = subject.data.whole("val") if len(subject.data.whole("val").label) else subject.data.whole("test")
    chosen = [_some(each) for each in (subject.data.whole("train"), held_out, samples)]
    train, held, fake = (subject.logits(batch.image, batch.label) for batch in chosen)
    return asdict(overfit(train, held, fake)) | {"images": [len(batch.label) for batch in chosen]}


def _some(batch: Batch) -> Batch:
    order = torch.randperm(len(batch.label), generator=generator("judged", len(batch.label)))[:JUDGED]
    return Batch(batch.image[order], batch.label[order])
