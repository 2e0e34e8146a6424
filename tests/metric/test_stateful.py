"""The torchmetrics classes equal the functions that they call, for every batch size, and two processes equal one."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from sparring.core.errors import DataError
from sparring.metric.classification import accuracy, cross_entropy
from sparring.metric.overfit import overfit
from sparring.metric.stateful import ClassificationMetrics, CollectedMetric, DiscriminatorOverfit, SampleMetrics
from sparring.metric.suite import METRICS, ImageFeatures, Reference, measure
from tests.metric.clouds import cloud

COUNT, CLASSES, K = 61, 3, 3


def images(name: str, count: int, *, logits: bool = True) -> ImageFeatures:
    scores = cloud(f"{name} logits", count, CLASSES, scale=3) if logits else None
    return ImageFeatures(cloud(name, count, 5), scores, torch.arange(count) % CLASSES)


SAMPLES, UNCLASSIFIED = images("samples", COUNT), images("samples", COUNT, logits=False)
REFERENCE = Reference(images("real", 50), images("train", 55), images("held out", 40), CLASSES)
LOGITS = {
    name: cloud(name, COUNT, 1, shift=shift).flatten() for name, shift in (("train", 1), ("held_out", 0), ("fake", -1))
}


def sample_metrics() -> SampleMetrics:
    return SampleMetrics(names=list(METRICS), k=K, reference=REFERENCE)


def fill(rows: slice, batch: int) -> dict[str, CollectedMetric]:
    """One metric of each class, given `rows` of the data in batches."""
    samples, unclassified = sample_metrics(), sample_metrics()
    classification, discriminator = ClassificationMetrics(), DiscriminatorOverfit()
    for part in torch.arange(COUNT)[rows].split(batch):
        samples.update(SAMPLES[part])
        unclassified.update(UNCLASSIFIED[part])
        assert SAMPLES.logits is not None
        classification.update(SAMPLES.logits[part], SAMPLES.label[part])
        discriminator.update("train", LOGITS["train"][part])
        discriminator.update("held_out", LOGITS["held_out"][part])
        discriminator.update("fake", LOGITS["fake"][part])
    return {
        "samples": samples,
        "unclassified": unclassified,
        "classification": classification,
        "overfit": discriminator,
    }


def computed(metrics: dict[str, CollectedMetric]) -> dict[str, dict[str, float]]:
    return {name: {key: float(value) for key, value in metric.compute().items()} for name, metric in metrics.items()}


def expected() -> dict[str, dict[str, float]]:
    """The functions on all rows at once."""

    def of(samples: ImageFeatures) -> dict[str, float]:
        values = measure(samples, REFERENCE, names=list(METRICS), k=K)
        return {name: float("nan") if each.value is None else each.value for name, each in values.items()}

    assert SAMPLES.logits is not None
    logits, label = SAMPLES.logits, SAMPLES.label
    return {
        "samples": of(SAMPLES),
        "unclassified": of(UNCLASSIFIED),
        "classification": {"accuracy": accuracy(logits, label), "cross_entropy": cross_entropy(logits, label)},
        "overfit": vars(overfit(LOGITS["train"], LOGITS["held_out"], LOGITS["fake"])),
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        one[name] == pytest.approx(other[name], rel=1e-10, nan_ok=True) for name in one
    )


@pytest.mark.parametrize("batch", [1, 10, COUNT])
def test_every_batch_size_gives_the_functions_value(batch: int) -> None:
    assert same(computed(fill(slice(None), batch)), expected())


def test_one_batch_gives_the_functions_value_to_the_last_digit() -> None:
    values = computed(fill(slice(None), COUNT))
    for name, each in expected().items():
        assert {key: value for key, value in values[name].items() if value == value} == {
            key: value for key, value in each.items() if value == value
        }


def test_reset_forgets_and_nothing_gets_into_a_checkpoint() -> None:
    for metric in fill(slice(None), 20).values():
        metric.reset()
        assert all(not len(getattr(metric, state)) for state in metric.metric_state)
        assert not list(metric.parameters())
        assert not metric.state_dict()


def test_reasons_come_with_the_values() -> None:
    metric = sample_metrics()
    metric.update(UNCLASSIFIED)
    assert "class probabilities" in metric.values()["is"].reason
    assert metric.values()["fd"].value == measure(UNCLASSIFIED, REFERENCE, names=["fd"], k=K)["fd"].value


@pytest.mark.filterwarnings("ignore:The ``compute`` method")  # torchmetrics says so too
def test_no_images_are_an_error_and_no_value() -> None:
    with pytest.raises(DataError, match="0 rows"):
        sample_metrics().compute()
    with pytest.raises(DataError, match="no training images"):
        DiscriminatorOverfit().compute()


def test_a_process_without_a_reference_computes_nothing() -> None:
    metric = SampleMetrics(names=["fd"], k=K, reference=None)
    metric.update(SAMPLES)
    assert metric.values() == {}
    assert metric.compute() == {}


def _process(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    metrics = fill(slice(0, 40) if rank == 0 else slice(40, COUNT), 9)  # unequal shares
    values = computed(metrics)
    for metric in metrics.values():  # each process has its own rows back
        assert len(metric.joined(next(iter(metric.metric_state)))) == (40, COUNT - 40)[rank]  # type: ignore[arg-type]
    samples = metrics["samples"]
    assert isinstance(samples, SampleMetrics)
    samples.reference = REFERENCE if rank == 0 else None  # the second only contributes
    values["first alone"] = {
        name: float("nan") if each.value is None else each.value for name, each in samples.values().items()
    }
    torch.save(values, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    mp.spawn(_process, (str(tmp_path),), nprocs=2)
    one = expected()
    for rank in range(2):
        values = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        alone = values.pop("first alone")
        assert same(values, one)
        assert same({"samples": alone}, {"samples": one["samples"] if rank == 0 else {}})
