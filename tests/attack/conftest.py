"""Classifiers to attack: a small network trained on scikit-learn's digits for a few seconds, plainly and adversarially."""

from dataclasses import dataclass
from functools import cache

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from sparring.attack.pgd import PGD
from sparring.core.types import Batch


@dataclass(frozen=True)
class Victim:
    """An ordinary and an adversarially trained network, and images that neither has seen."""

    plain: nn.Module
    robust: nn.Module
    test: Batch


def settings(**changes: object) -> dict[str, object]:
    """PGD as in conf/attack/pgd.yaml, at an epsilon that suits digits."""
    fixed: dict[str, object] = {
        "norm": "linf", "epsilon": 0.2, "steps": 10, "step_size": None, "start": "uniform", "restarts": 1,
        "loss": "cross_entropy", "momentum": 0.0,
    }  # fmt: skip
    return {**fixed, **changes}


def pgd(**changes: object) -> PGD:
    return PGD(**settings(**changes))  # type: ignore[arg-type]


@cache
def digits() -> tuple[Batch, Batch]:
    """(1200 training, 597 test) images, float32 (N, 1, 8, 8) in [-1, 1]."""
    pixels, label = load_digits(return_X_y=True)
    image = torch.tensor(pixels, dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 1
    order = torch.randperm(len(image), generator=torch.Generator().manual_seed(0))
    image, labels = image[order], torch.tensor(label)[order]
    return Batch(image[:1200], labels[:1200]), Batch(image[1200:], labels[1200:])


def network(width: int = 16, channels: int = 1, classes: int = 10) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, padding=1, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(2 * width * 16, 64), nn.ReLU(), nn.Linear(64, classes),
    )  # fmt: skip


def fit(model: nn.Module, steps: int, attack: PGD | None = None) -> nn.Module:
    train, _ = digits()
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    draw = torch.Generator().manual_seed(1)
    for step in range(steps):
        rows = torch.randint(len(train.label), (64,), generator=draw)
        image, label = train.image[rows], train.label[rows]
        if attack is not None:
            image = attack(model, image, label, index=rows, seed=step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(image), label).backward()
        optimizer.step()
    return model.eval()


@pytest.fixture(scope="session")
def victim() -> Victim:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain, robust = network(), network()
    return Victim(fit(plain, 400), fit(robust, 250, pgd(steps=5)), digits()[1])


def accuracy(model: nn.Module, image: Tensor, label: Tensor) -> float:
    """In per cent."""
    with torch.no_grad():
        return 100 * float((model(image).argmax(1) == label).float().mean())
