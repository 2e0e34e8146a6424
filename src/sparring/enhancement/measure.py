"""What enhancement is worth: nearness to the originals, and what a classifier makes of the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from sparring.attribution.evaluation.comparison import mean_interval
from sparring.core.measurement import Direction
from sparring.metric.classification import packed
from sparring.metric.frechet import frechet
from sparring.metric.moments import Moments
from sparring.metric.restoration import psnr, ssim

ROWS = 256
POOLED = 8  # pixels: side of the images behind the Frechet distance
MEASURES: Mapping[str, Direction] = {"psnr": "higher", "ssim": "higher", "fd_pixels_8x8": "lower", "accuracy": "higher"}


@dataclass(frozen=True)
class Version:
    """The images in one state: name, and (N, C, H, W) in [-1, 1] at the size of the originals."""

    name: str
    image: Tensor


def table(
    versions: list[Version], original: Tensor, label: Tensor, classifier: nn.Module | None
) -> list[dict[str, Any]]:
    """A row per version, the originals last: PSNR (dB, with its t interval over the images), SSIM, Frechet distance to the
    originals in 8 x 8 pixels, the accuracy of the classifier and which images it has right (packed); None where there is none.
    """
    reference = Moments.of(_features(original))
    rows = []
    for version in [*versions, Version("original", original)]:
        own = version.name == "original"
        right = None if classifier is None else correct(classifier, version.image, label)
        near = None if own else mean_interval(psnr(version.image, original).cpu())
        rows.append(
            {
                "version": version.name,
                "psnr": near and near.value,
                "psnr_interval": [near.low, near.high] if near is not None and near.low is not None else None,
                "ssim": None if own else float(ssim(version.image, original).mean()),
                "fd_pixels_8x8": None if own else _distance(version.image, reference),
                "accuracy": None if right is None else float(right.double().mean()),
                "right": None if right is None else packed(right),
            }
        )
    return rows


@torch.no_grad()
def correct(classifier: nn.Module, image: Tensor, label: Tensor) -> Tensor:
    """(N,) bool on the CPU: which images (N, C, H, W) the classifier gives their label (N,)."""
    parts = zip(image.split(ROWS), label.split(ROWS), strict=True)
    return torch.cat([classifier(x).argmax(1) == y for x, y in parts]).cpu()


def _features(image: Tensor) -> Tensor:
    return adaptive_avg_pool2d((image.cpu() + 1) / 2, min(POOLED, image.shape[-1])).flatten(1)


def _distance(image: Tensor, reference: Moments) -> float | None:
    return None if len(image) < 2 else frechet(Moments.of(_features(image)), reference).value
