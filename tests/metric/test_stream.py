"""The torchmetrics classes equal the pure functions for every batch size, and two ranks equal one."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torchmetrics import Metric

from sparring.core.errors import DataError
from sparring.metric.balance import class_balance
from sparring.metric.frechet import frechet
from sparring.metric.inception_score import inception_score
from sparring.metric.kernel import kid
from sparring.metric.moments import Moments
from sparring.metric.overfit import overfit
from sparring.metric.prdc import prdc
from sparring.metric.stream import (
    ClassBalance,
    DiscriminatorOverfit,
    FrechetDistance,
    InceptionScoreStream,
    KernelDistance,
    PrecisionRecall,
)
from tests.metric.clouds import cloud

FAKE, REAL = cloud("x", 61, 5, shift=0.2), cloud("y", 50, 5)
PROBABILITY = cloud("p", 61, 4, scale=3).softmax(dim=1)


def metrics() -> dict[str, tuple[Metric, torch.Tensor]]:
    """Each class and the rows it is fed."""
    return {
        "fd": (FrechetDistance(reference=Moments.of(REAL)), FAKE),
        "kid": (KernelDistance(reference=REAL), FAKE),
        "prdc": (PrecisionRecall(reference=REAL, k=3), FAKE),
        "is": (InceptionScoreStream(num_classes=4), PROBABILITY),
        "balance": (ClassBalance(prior=[0.25] * 4), PROBABILITY.argmax(dim=1)),
    }


def flat(name: str, value: Any) -> dict[str, float]:
    return {k: float(v) for k, v in value.items()} if isinstance(value, dict) else {name: float(value)}


def expected() -> dict[str, float]:
    areas, balance = prdc(FAKE, REAL, k=3), class_balance(PROBABILITY.argmax(dim=1), [0.25] * 4)
    return {
        "fd": frechet(Moments.of(FAKE), Moments.of(REAL)).value,
        "kid": kid(FAKE, REAL),
        "is": inception_score(PROBABILITY).mean,
        **{name: getattr(areas, name) for name in ("precision", "recall", "density", "coverage")},
        **{name: getattr(balance, name) for name in ("modes", "entropy", "total_variation")},
    }


@pytest.mark.parametrize("batch", [1, 10, 61])
def test_every_batch_size_gives_the_pure_functions_value(batch: int) -> None:
    found: dict[str, float] = {}
    for name, (metric, rows) in metrics().items():
        for part in rows.split(batch):
            metric.update(part)
        found |= flat(name, metric.compute())
        metric.reset()
    assert found == pytest.approx(expected(), rel=1e-10)


def test_reset_forgets_and_no_weights_are_held() -> None:
    for metric, rows in metrics().values():
        metric.update(rows)
        once = metric.compute()
        metric.reset()
        metric.update(rows)
        torch.testing.assert_close(metric.compute(), once)
        assert not list(metric.parameters())
        assert not metric.state_dict()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")  # torchmetrics says so too
@pytest.mark.parametrize("name", metrics())
def test_no_images_are_an_error_and_no_nan(name: str) -> None:
    with pytest.raises(DataError):
        metrics()[name][0].compute()


def test_discriminator_overfit() -> None:
    logits = {
        side: cloud(side, 20, 1, shift=shift).flatten() for side, shift in (("train", 1), ("held_out", 0), ("fake", -1))
    }
    metric = DiscriminatorOverfit()
    for side, values in logits.items():
        for part in values.split(7):
            metric.update(side, part)
    result = overfit(logits["train"], logits["held_out"], logits["fake"])
    assert {name: float(value) for name, value in metric.compute().items()} == pytest.approx(vars(result), rel=1e-12)


def _rank(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    rows = slice(0, 40) if rank == 0 else slice(40, 61)  # unequal shares
    moments = Moments.of(FAKE[rows])
    moments.all_reduce()
    found = {"moments": frechet(moments, Moments.of(REAL)).value, "count": float(moments.count)}
    for name, (metric, values) in metrics().items():
        for part in values[rows].split(9):
            metric.update(part)
        found |= flat(name, metric.compute())
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_equal_one(tmp_path: Path) -> None:
    mp.spawn(_rank, (str(tmp_path),), nprocs=2)
    one = expected()
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert found == pytest.approx(one | {"moments": one["fd"], "count": 61.0}, rel=1e-10)
