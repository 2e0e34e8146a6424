"""The Frechet distance at the end of a training: of samples that are real images, noise, or nothing at all."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from sparring.core.randomness import generator
from sparring.training.samples import COUNT, sample_metrics

PIXELS = torch.tensor(load_digits().images * 255 / 16).round().to(torch.uint8)[:, None]


class Images:
    """Rows of a split, as a data module holds them."""

    def __init__(self, image: Tensor) -> None:
        self.image = image

    def __len__(self) -> int:
        return len(self.image)

    def take(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        return self.image[positions], torch.zeros(len(positions), dtype=torch.int64)


class Painter(nn.Module):
    """Images of a store, chosen by the latent."""

    def __init__(self, image: Tensor, *, broken: bool = False) -> None:
        super().__init__()
        self.image, self.broken = image.float() / 127.5 - 1, broken

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        chosen = (torch.special.ndtr(latent[:, 0]) * len(self.image)).long().clamp(max=len(self.image) - 1)
        return self.image[chosen] * (float("nan") if self.broken else 1.0)


def measured(painter: nn.Module, *, train: int = 900, val: int = 0, test: int = 400) -> dict[str, Any]:
    parts = PIXELS[: train + val + test].split([train, val, test])
    data: Any = SimpleNamespace(
        splits=SimpleNamespace(images=dict(zip(("train", "val", "test"), map(Images, parts), strict=True)))
    )
    model = SimpleNamespace(
        ema=painter,
        latent_dim=2,
        device="cpu",
        num_classes=10,
        conditional=True,
        seed=1,
        clock=SimpleNamespace(iteration=7),
    )
    return sample_metrics(model, data)


def test_the_value_is_that_of_the_closed_form_and_real_images_are_the_reference() -> None:
    ((name, found),) = measured(Painter(PIXELS[1300:])).items()
    assert name == f"test/fd_pixels_8x8_{COUNT}"
    assert (found.direction, found.protocol["iteration"], found.protocol["reference"]) == (
        "lower",
        7,
        {"split": "test", "images": 400},
    )
    held_out = PIXELS[900:1300].double().flatten(1) / 255
    order = torch.randperm(900, generator=generator("samples against", 900))[:COUNT]
    real = PIXELS[order].double().flatten(1) / 255
    root = torch.linalg.eigvals(torch.cov(real.T) @ torch.cov(held_out.T)).real.clamp(min=0).sqrt().sum()
    expected = (
        (real.mean(0) - held_out.mean(0)).square().sum() + torch.cov(real.T).trace() + torch.cov(held_out.T).trace()
    )
    assert found.reference == pytest.approx(float(expected) - 2 * float(root), rel=1e-4)
    assert found.value is not None
    assert found.std is not None
    assert found.reference is not None
    assert 0.3 < found.value / found.reference < 3  # other real images
    assert 0 < found.std < found.value


def test_noise_is_far_from_images() -> None:
    noise = torch.randint(0, 256, (500, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    (found,) = measured(Painter(noise)).values()
    assert found.value > 10 * found.reference


def test_val_takes_the_place_of_a_test_split_that_there_is_not() -> None:
    (name,) = measured(Painter(PIXELS), train=300, val=100, test=0)
    assert name == "val/fd_pixels_8x8_300"
    assert measured(Painter(PIXELS), val=0, test=1) == {}


def test_what_cannot_be_measured_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert measured(Painter(PIXELS, broken=True)) == {}
    assert "were not compared with test images" in caplog.text
