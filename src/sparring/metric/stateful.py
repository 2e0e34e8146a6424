"""torchmetrics classes over the functions of this folder, for images that come batch by batch and on several processes.

`update` keeps what the function needs; `compute` joins it over the processes in rank order and calls the function. So one
implementation is tested, and a value is the same on one process and on several, up to rounding in the networks. No network is
held here: an extractor's weights never get into parameters, checkpoints or `.train()`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat
from torchmetrics.utilities.distributed import gather_all_tensors

from sparring.core.distributed import communication_device
from sparring.metric.classification import accuracy, cross_entropy
from sparring.metric.overfit import Overfit, overfit
from sparring.metric.suite import ImageFeatures, MetricValue, Reference, measure


def gather_rows(rows: Tensor, group: Any = None) -> list[Tensor]:
    """(N, ...) of every process in rank order, on the device of `rows`; N may differ between the processes."""
    return [part.to(rows.device) for part in gather_all_tensors(rows.to(communication_device()), group)]


class CollectedMetric(Metric):
    """Base of the metrics that are functions of all rows: each state is a list of (N, ...) tensors."""

    full_state_update = False

    def __init__(self, *states: str) -> None:
        super().__init__(dist_sync_fn=gather_rows)
        for state in states:
            self.add_state(state, default=[], dist_reduce_fx="cat")

    @contextmanager
    def all_processes(self) -> Iterator[None]:
        """Within it the states hold the rows of every process; all processes must enter."""
        with self.sync_context(dist_sync_fn=self.dist_sync_fn):
            yield

    def joined(self, state: str) -> Tensor | None:
        """All rows of a state, None where none was kept."""
        parts = getattr(self, state)
        rows = dim_zero_cat(parts) if len(parts) else None
        # torchmetrics gathers a state that no process filled as an empty vector.
        return None if rows is None or (rows.ndim == 1 and not len(rows)) else rows


class SampleMetrics(CollectedMetric):
    """`suite.measure` of all samples.

    Args:
        names: keys of METRICS.
        k: neighbours of precision, recall, density and coverage.
        reference: the real images; None on a process that contributes samples and computes nothing.
    """

    features: list[Tensor]
    logits: list[Tensor]
    label: list[Tensor]

    def __init__(self, *, names: Sequence[str], k: int, reference: Reference | None) -> None:
        super().__init__("features", "logits", "label")
        self.names, self.k, self.reference = list(names), k, reference

    def update(self, samples: ImageFeatures) -> None:
        """Keep (N, D) features, (N, K) logits where there are any, and (N,) labels."""
        self.features.append(samples.features)
        self.label.append(samples.label)
        if samples.logits is not None:
            self.logits.append(samples.logits)

    def compute(self) -> dict[str, Tensor]:
        """() float64 by metric, NaN where it has no value; empty without a reference."""
        values = {name: each.value for name, each in self._measure().items()}
        return {
            name: torch.tensor(torch.nan if value is None else value, dtype=torch.float64)
            for name, value in values.items()
        }

    def values(self) -> dict[str, MetricValue]:
        """The same with reasons and parts; all processes must call it.

        Raises:
            DataError: as `suite.measure`.
        """
        with self.all_processes():
            return self._measure()

    def _measure(self) -> dict[str, MetricValue]:
        if self.reference is None:
            return {}
        features, label = self.joined("features"), self.joined("label")
        if features is None or label is None:
            features, label = self.reference.real.features[:0], self.reference.real.label[:0]
        samples = ImageFeatures(features, self.joined("logits"), label)
        return measure(samples, self.reference, names=self.names, k=self.k)


class ClassificationMetrics(CollectedMetric):
    """Accuracy and cross-entropy of a classifier."""

    logits: list[Tensor]
    label: list[Tensor]

    def __init__(self) -> None:
        super().__init__("logits", "label")

    def update(self, logits: Tensor, label: Tensor) -> None:
        """Keep (N, K) floats and (N,) int64."""
        self.logits.append(logits.detach())
        self.label.append(label)

    def compute(self) -> dict[str, Tensor]:
        """() float64 under "accuracy" and "cross_entropy" (nats)."""
        logits, label = dim_zero_cat(self.logits), dim_zero_cat(self.label)
        values = {"accuracy": accuracy(logits, label), "cross_entropy": cross_entropy(logits, label)}
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


class DiscriminatorOverfit(CollectedMetric):
    """`overfit.overfit` of D's logits on training, held-out and generated images."""

    def __init__(self) -> None:
        super().__init__("train_logits", "held_out_logits", "fake_logits")

    def update(self, images: Literal["train", "held_out", "fake"], logits: Tensor) -> None:
        """Keep D's logits (N,) on some training, held-out or generated images."""
        getattr(self, f"{images}_logits").append(logits.detach().float())

    def compute(self) -> dict[str, Tensor]:
        """() float64 by field of `Overfit`, without `r_v` where there is none."""
        values = vars(self._overfit())
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items() if value is not None}

    def values(self) -> Overfit:
        """The same as a dataclass; all processes must call it.

        Raises:
            DataError: no images of one of the three kinds, or NaN.
        """
        with self.all_processes():
            return self._overfit()

    def _overfit(self) -> Overfit:
        states = ("train_logits", "held_out_logits", "fake_logits")
        train, held_out, fake = (torch.zeros(0) if (rows := self.joined(state)) is None else rows for state in states)
        return overfit(train, held_out, fake)
