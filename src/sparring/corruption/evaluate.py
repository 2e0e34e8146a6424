"""Accuracy and calibration of a classifier under corruptions."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.core.pixels import normalise
from sparring.core.types import Batch
from sparring.corruption import files
from sparring.corruption.table import SEVERITIES, corrupt
from sparring.metric.classification import expected_calibration_error

Corrupted = tuple[str, int, Batch]  # name, severity, uint8 images with labels


def drawn(images: Batch, names: Sequence[str], *, index: Tensor, seed: int) -> Iterator[Corrupted]:
    """Our corruptions of uint8 images, one severity at a time; index: (N,), what is drawn depends on (seed, index)."""
    for name in names:
        for severity in SEVERITIES:
            yield (
                name,
                severity,
                Batch(corrupt(name, images.image, severity=severity, index=index, seed=seed), images.label),
            )


def published(folder: Path, *, count: int | None = None) -> Iterator[Corrupted]:
    """CIFAR-10-C's files, the first `count` images of each severity. Raises DataError."""
    for name in files.names(folder):
        for severity in SEVERITIES:
            whole = files.read(folder, name, severity)
            yield name, severity, Batch(whole.image[:count], whole.label[:count])


def under(network: nn.Module, sets: Iterable[Corrupted], *, batch_size: int) -> dict[str, list[dict[str, float]]]:
    """Corruption -> {severity, accuracy, ece} at severities 1 to 5; the network's mode is the caller's (eval)."""
    table: dict[str, list[dict[str, float]]] = {}
    for name, severity, images in sets:
        probability = probabilities(network, images.image, batch_size)
        accuracy = float((probability.argmax(1) == images.label).float().mean())
        ece = expected_calibration_error(probability, images.label)
        table.setdefault(name, []).append({"severity": severity, "accuracy": accuracy, "ece": ece})
    return table


@torch.no_grad()
def probabilities(network: nn.Module, image: Tensor, batch_size: int) -> Tensor:
    """uint8 (N, C, H, W) -> (N, K) on the CPU."""
    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    return torch.cat([network(normalise(part.to(device))).softmax(1).float().cpu() for part in image.split(batch_size)])
