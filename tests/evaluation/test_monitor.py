"""Samples of a generator in training: the same whatever the number of processes, and each process draws its share."""

import pytest
import torch
from torch import Tensor, nn

from sparring.evaluation.curve import CurvePoint, csv_of
from sparring.evaluation.monitor import SampleMonitor
from sparring.metric.features.base import Extracted
from sparring.metric.features.pixels import PixelFeatures

COUNT = 70


class Constant(nn.Module):
    """Shows its latent and its label."""

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.cat([latent.tanh(), label[:, None] / 10], dim=1)[:, None, None, :]


class Recording(PixelFeatures):
    """Keeps the images that go through it."""

    def __init__(self) -> None:
        super().__init__(batch_size=16)
        self.shape, self.dim, self.images = (1, 1, 5), 5, []

    def extract(self, image: Tensor) -> Extracted:
        self.images.append(image)
        return super().extract(image)


def drawn(rank: int, world: int) -> Tensor:
    """The images that a process draws, which has no reference and so computes no values."""
    extractor = Recording()
    monitor = SampleMonitor(extractor, None, split="val", names=["fd"], k=3, count=COUNT)
    for _ in range(2):  # a second measurement starts from nothing
        values = monitor.values(
            Constant(), latent_dim=4, num_classes=3, seed=5, device=torch.device("cpu"), rank=rank, world=world
        )
        assert values == {}
        assert not monitor.metric.update_called
    first, second = extractor.images
    assert torch.equal(first, second)
    return first


@pytest.mark.parametrize("world", [2, 3, 7])
def test_the_shares_of_all_processes_are_the_samples_of_one(world: int) -> None:
    shares = [drawn(rank, world) for rank in range(world)]
    assert {len(share) for share in shares} <= {COUNT // world, COUNT // world + 1}
    assert torch.equal(torch.cat(shares), drawn(0, 1))


def test_the_curve_has_a_row_per_measurement() -> None:
    history = [
        CurvePoint(10, 640, {"fd": 2.5, "kid": float("nan")}, True),
        CurvePoint(20, 1280, {"fd": 3.0, "kid": 0.1}, False),
    ]
    assert csv_of(history, ["fd", "kid"]).decode() == (
        "iteration,images_seen,fd,kid,best\n10,640,2.5,nan,1\n20,1280,3.0,0.1,0\n"
    )
