"""Accuracy and calibration of a classifier under corruptions."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.core.pixels import normalise
from sparring.core.progress import tracked
from sparring.core.types import Batch
from sparring.corruption import files
from sparring.corruption.table import SEVERITIES, corrupt
from sparring.metric.classification import expected_calibration_error

Corrupted = tuple[str, int, Batch]  # name, severity, uint8 images with labels


def drawn(images: Batch, names: Sequence[str], *, index: Tensor, seed: int) -> Iterator[Corrupted]:
    """The corruptions `names` of uint8 images (N, C, H, W), one severity at a time.

    Args:
        index: (N,) int64, numbers of the images in their data set; random draws depend on (seed, index).
    """
    for name in names:
        for severity in SEVERITIES:
            yield (
                name,
                severity,
                Batch(corrupt(name, images.image, severity=severity, index=index, seed=seed), images.label),
            )


def published(folder: Path, *, count: int | None = None) -> Iterator[Corrupted]:
    """CIFAR-10-C's files, the first `count` images of each severity.

    Raises:
        DataError: a file is missing or has another shape.
    """
    for name in files.names(folder):
        for severity in SEVERITIES:
            whole = files.read(folder, name, severity)
            yield name, severity, Batch(whole.image[:count], whole.label[:count])


def under(network: nn.Module, sets: Iterable[Corrupted], *, batch_size: int) -> dict[str, list[dict[str, float]]]:
    """Corruption -> {severity, accuracy, ece} at severities 1 to 5, all in 0..1.

    Args:
        network: image (N, C, H, W) in [-1, 1] -> logits (N, K), in eval mode.
    """
    table: dict[str, list[dict[str, float]]] = {}
    for name, severity, images in tracked(sets, "corruptions at five severities"):
        probability = probabilities(network, images.image, batch_size)
        accuracy = float((probability.argmax(1) == images.label).float().mean())
        ece = expected_calibration_error(probability, images.label)
        table.setdefault(name, []).append({"severity": severity, "accuracy": accuracy, "ece": ece})
    return table


@torch.no_grad()
def probabilities(network: nn.Module, image: Tensor, batch_size: int) -> Tensor:
    """Class probabilities (N, K) on the CPU of uint8 images (N, C, H, W); network in eval mode."""
    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    return torch.cat([network(normalise(part.to(device))).softmax(1).float().cpu() for part in image.split(batch_size)])
