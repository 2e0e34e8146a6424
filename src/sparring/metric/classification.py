"""How good a classifier is: accuracy, per class, confusion, and calibration. Pure functions of logits and labels."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.core.measurement import Direction

BINS = 15
DIRECTIONS: Mapping[str, Direction] = {"accuracy": "higher", "ece": "lower", "cross_entropy": "lower"}  # of `report`


def accuracy(logits: Tensor, label: Tensor) -> float:
    """Share of images (N,) whose largest logit (N, K) is their label's."""
    return float((logits.argmax(1) == label).double().mean())


def confusion(logits: Tensor, label: Tensor) -> Tensor:
    """(K, K) int64 counts; row: true class, column: predicted class."""
    classes = logits.shape[1]
    return torch.bincount(label * classes + logits.argmax(1), minlength=classes**2).view(classes, classes)


def per_class(counts: Tensor) -> list[float | None]:
    """Recall of each class from a confusion matrix (K, K); None for a class without images."""
    totals = counts.sum(1)
    return [int(counts[k, k]) / int(totals[k]) if totals[k] else None for k in range(len(counts))]


def balanced_accuracy(counts: Tensor) -> float:
    """Mean recall over the classes that have images, from a confusion matrix (K, K): rare classes count as much as others."""
    known = [value for value in per_class(counts) if value is not None]
    return sum(known) / len(known)


def macro_f1(counts: Tensor) -> float:
    """Mean F1 over the classes that have images or predictions, from a confusion matrix (K, K).

    F1 = 2 right / (images + predictions); 0 for a class that is never right.
    """
    right, either = counts.diagonal().double(), (counts.sum(0) + counts.sum(1)).double()
    seen = either > 0
    return float((2 * right[seen] / either[seen]).mean())


def expected_calibration_error(probability: Tensor, label: Tensor, *, bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy over `bins` equal bins of confidence, weighted by their images.

    Guo et al. 2017, equation 3.
    """
    confidence, predicted = probability.double().max(1)
    right = (predicted == label).double()
    which = (confidence * bins).ceil().long().clamp(1, bins) - 1  # bins are (m / bins, (m + 1) / bins]
    gap = torch.zeros(bins, dtype=torch.float64).index_add_(0, which, right - confidence)
    return float(gap.abs().sum() / len(label))


def packed(right: Tensor) -> str:
    """Which images (N,) are classified right, a bit each, as base64 text: 1.7 kB for 10,000 images."""
    return base64.b64encode(np.packbits(right.cpu().numpy()).tobytes()).decode("ascii")


def unpacked(text: str, images: int) -> Tensor:
    """The (images,) bool that `packed` was given."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=images)
    return torch.from_numpy(bits).bool()


def report(logits: Tensor, label: Tensor) -> dict[str, Any]:
    """Everything above of logits (N, K) and labels (N,), as plain values."""
    logits, label = logits.cpu(), label.cpu()
    counts = confusion(logits, label)
    return {
        "accuracy": accuracy(logits, label),
        "per_class": per_class(counts),
        "confusion": counts.tolist(),
        "ece": expected_calibration_error(logits.double().softmax(1), label),
        "cross_entropy": float(torch.nn.functional.cross_entropy(logits.double(), label)),
        "images": len(label),
        "right": packed(logits.argmax(1) == label),
    }
