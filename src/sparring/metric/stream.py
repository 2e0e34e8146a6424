"""torchmetrics classes over features: `update` batch by batch on every rank, `compute` the value of all images together.

They hold no network: give them features, so nothing of an extractor gets into parameters, checkpoints or `.train()`.
Values do not depend on the batch size or on the number of ranks (to float64 rounding).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from sparring.core.errors import ConfigError, DataError
from sparring.metric.balance import Balance, balance_of, check_labels
from sparring.metric.check import check_features
from sparring.metric.frechet import Frechet, frechet
from sparring.metric.inception_score import InceptionScore, entropy
from sparring.metric.kernel import kid
from sparring.metric.moments import Moments
from sparring.metric.overfit import Overfit, overfit
from sparring.metric.prdc import PRDC, prdc


def merged(packed: Tensor) -> Tensor:
    """(R, D + 1, D + 1) packed moments of R ranks -> (D + 1, D + 1) of all of them."""
    total = Moments.unpacked(packed[0])
    for part in packed[1:]:
        total.merge(Moments.unpacked(part))
    return total.packed()


class FrechetDistance(Metric):
    """Frechet distance to the reference's moments, in constant memory. `update(features (N, D))`."""

    full_state_update = False
    higher_is_better = False
    packed: Tensor

    def __init__(self, *, reference: Moments, **settings: Any) -> None:
        super().__init__(**settings)
        self.reference = reference
        self.add_state("packed", default=Moments(reference.dim).packed(), dist_reduce_fx=merged)

    def update(self, features: Tensor) -> None:
        moments = Moments.unpacked(self.packed)
        moments.add(features)
        self.packed = moments.packed()

    def compute(self) -> Tensor:
        return torch.tensor(self.result().value, dtype=torch.float64)

    def result(self) -> Frechet:
        """The value with its parts, of this rank's images where `compute` has not been called."""
        return frechet(Moments.unpacked(self.packed), self.reference)


class _Features(Metric):
    """Keeps all features (N, D) on the CPU as float32; ranks are joined in rank order."""

    full_state_update = False
    features: list[Tensor]

    def __init__(self, *, reference: Tensor, **settings: Any) -> None:
        super().__init__(**settings)
        check_features(reference, what="Features of the reference")
        self.reference = reference
        self.add_state("features", default=[], dist_reduce_fx="cat")

    def update(self, features: Tensor) -> None:
        check_features(features, what="Features of the fakes")
        self.features.append(features.detach().float())

    @property
    def _fake(self) -> Tensor:
        rows = (
            dim_zero_cat(self.features)
            if len(self.features)
            else self.reference.new_zeros((0, self.reference.shape[1]))
        )
        return rows.to(self.reference.device)


class KernelDistance(_Features):
    """Exact unbiased KID to the reference's features (M, D)."""

    higher_is_better = False

    def compute(self) -> Tensor:
        return torch.tensor(kid(self._fake, self.reference), dtype=torch.float64)


class PrecisionRecall(_Features):
    """Precision, recall, density and coverage against the reference's features (M, D)."""

    higher_is_better = True

    def __init__(self, *, reference: Tensor, k: int, **settings: Any) -> None:
        super().__init__(reference=reference, **settings)
        self.k = k

    def compute(self) -> dict[str, Tensor]:
        result: PRDC = prdc(self._fake, self.reference, k=self.k)
        names = ("precision", "recall", "density", "coverage")
        return {name: torch.tensor(getattr(result, name), dtype=torch.float64) for name in names}


class InceptionScoreStream(Metric):
    """Inception score of one split, in constant memory. `update(probability (N, K))`."""

    full_state_update = False
    higher_is_better = True
    count: Tensor
    total: Tensor
    entropies: Tensor

    def __init__(self, *, num_classes: int, **settings: Any) -> None:
        super().__init__(**settings)
        for name, size in (("count", ()), ("total", (num_classes,)), ("entropies", ())):
            self.add_state(name, default=torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, probability: Tensor) -> None:
        check_features(probability, what="Class probabilities")
        rows = probability.detach().to(self.total.device, torch.float64)
        if rows.shape[1] != len(self.total):
            raise ConfigError(f"Probabilities of {rows.shape[1]} classes, expected {len(self.total)}.")
        self.count += len(rows)
        self.total += rows.sum(dim=0)
        self.entropies += entropy(rows).sum()

    def compute(self) -> Tensor:
        if not float(self.count):
            raise DataError("An inception score needs 1 or more images, got none.")
        return (entropy(self.total / self.count) - self.entropies / self.count).exp()

    def result(self) -> InceptionScore:
        return InceptionScore(float(self.compute()), 0.0, 1)


class ClassBalance(Metric):
    """Counts of predicted classes against the reference shares. `update(predicted (N,) int64)`."""

    full_state_update = False
    higher_is_better = True
    counts: Tensor

    def __init__(self, *, prior: Tensor | Sequence[float], **settings: Any) -> None:
        super().__init__(**settings)
        self.prior = torch.as_tensor(prior, dtype=torch.float64).cpu()
        self.add_state("counts", default=torch.zeros(len(self.prior), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted: Tensor) -> None:
        if len(predicted):
            check_labels(predicted, len(self.prior))
            self.counts += torch.bincount(predicted.to(self.counts.device), minlength=len(self.prior))

    def compute(self) -> dict[str, Tensor]:
        result = self.result()
        values = {"modes": result.modes, "entropy": result.entropy, "total_variation": result.total_variation}
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}

    def result(self) -> Balance:
        return balance_of(self.counts.cpu(), self.prior)


class DiscriminatorOverfit(Metric):
    """D's accuracy on training, held-out and fake images. `update("train" | "held_out" | "fake", logits (N,))`."""

    full_state_update = False
    higher_is_better = False
    train_logits: list[Tensor]
    held_out_logits: list[Tensor]
    fake_logits: list[Tensor]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for side in ("train", "held_out", "fake"):
            self.add_state(f"{side}_logits", default=[], dist_reduce_fx="cat")

    def update(self, side: str, logits: Tensor) -> None:
        if side not in ("train", "held_out", "fake"):
            raise ConfigError(f"side={side} is not one of train, held_out, fake.")
        getattr(self, f"{side}_logits").append(logits.detach().float())

    def compute(self) -> dict[str, Tensor]:
        result = self.result()
        names = ("train", "held_out", "fake", "gap", "order")
        values = {name: torch.tensor(getattr(result, name), dtype=torch.float64) for name in names}
        return values if result.r_v is None else values | {"r_v": torch.tensor(result.r_v, dtype=torch.float64)}

    def result(self) -> Overfit:
        sides = (self.train_logits, self.held_out_logits, self.fake_logits)
        train, held_out, fake = (dim_zero_cat(side) if len(side) else torch.zeros(0) for side in sides)
        return overfit(train, held_out, fake)
