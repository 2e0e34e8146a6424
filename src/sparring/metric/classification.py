"""How good a classifier is: accuracy, per class, confusion, calibration. Pure functions of logits and labels.

Shape legend: N images, K classes. Logits are floats (N, K), labels int64 (N,) in 0..K-1.
"""

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sparring.core.measurement import Direction

BINS = 15
UNBALANCED = 1.5
MISTAKES = 16  # at most, that are listed
DIRECTIONS: Mapping[str, Direction] = {"accuracy": "higher", "ece": "lower", "cross_entropy": "lower"}  # of `report`


def accuracy(logits: Tensor, label: Tensor) -> float:
    """Share of images whose largest logit is their label's, 0 to 1."""
    return int((logits.argmax(1) == label).sum()) / len(label)


def cross_entropy(logits: Tensor, label: Tensor) -> float:
    """Mean cross-entropy in nats, summed in the precision of `logits`."""
    return float(F.cross_entropy(logits, label, reduction="sum")) / len(label)


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

    F1 = 2 * correct / (images + predictions); 0 for a class that is never predicted correctly.
    """
    correct, either = counts.diagonal().double(), (counts.sum(0) + counts.sum(1)).double()
    present = either > 0
    return float((2 * correct[present] / either[present]).mean())


def expected_calibration_error(probability: Tensor, label: Tensor, *, bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence, weighted by their images, 0 to 1.

    Guo et al. 2017, "On calibration of modern neural networks", equation 3.

    Args:
        probability: (N, K), rows summing to 1.
        label: (N,) int64.
        bins: (m / bins, (m + 1) / bins] for m in 0..bins-1.
    """
    confidence, predicted = probability.double().max(1)
    correct = (predicted == label).double()
    which = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gap = torch.zeros(bins, dtype=torch.float64).index_add_(0, which, correct - confidence)
    return float(gap.abs().sum() / len(label))


def reliability(probability: Tensor, label: Tensor, *, bins: int = BINS) -> list[list[float]]:
    """(mean confidence, accuracy, images) of each bin of confidence that has images, as `expected_calibration_error` has them.

    Args:
        probability: (N, K), rows summing to 1.
        label: (N,) int64.
    """
    confidence, predicted = probability.double().max(1)
    correct = (predicted == label).double()
    which = (confidence * bins).ceil().long().clamp(1, bins) - 1
    inside = [which == m for m in range(bins)]
    return [[float(confidence[m].mean()), float(correct[m].mean()), int(m.sum())] for m in inside if m.any()]


def mistakes(probability: Tensor, label: Tensor, *, most: int = MISTAKES) -> list[dict[str, float]]:
    """Images whose label is missed, the surest answers first: place among the N, label, answer and its probability.

    Args:
        probability: (N, K), rows summing to 1.
        label: (N,) int64.
    """
    confidence, answer = probability.double().max(1)
    wrong = (answer != label).nonzero().flatten()
    order = wrong[confidence[wrong].argsort(descending=True, stable=True)][:most]
    rows = zip(order.tolist(), label[order].tolist(), answer[order].tolist(), confidence[order].tolist(), strict=True)
    return [{"image": i, "label": k, "answer": j, "confidence": round(c, 4)} for i, k, j, c in rows]


def packed(correct: Tensor) -> str:
    """Which images (N,) bool are classified correctly, a bit each, as base64 text: 1.7 kB for 10,000 images."""
    return base64.b64encode(np.packbits(correct.cpu().numpy()).tobytes()).decode("ascii")


def unpacked(text: str, images: int) -> Tensor:
    """The (images,) bool that `packed` was given."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=images)
    return torch.from_numpy(bits).bool()


def unbalanced_counts(counts: Tensor) -> bool:
    """Whether the largest class has more than UNBALANCED times the images of the smallest; counts (K,), empty classes apart."""
    present = counts[counts > 0]
    return len(present) > 0 and int(present.max()) > UNBALANCED * int(present.min())


def class_weights(report: Mapping[str, Any]) -> np.ndarray:
    """(N,) weights of the test images with which the mean of hits is balanced accuracy; they average 1.

    Args:
        report: of an unbalanced test split, with its `labels`.
    """
    label = np.frombuffer(zlib.decompress(base64.b64decode(report["labels"])), np.uint16)
    counts = np.bincount(label)
    return np.asarray(len(label) / ((counts > 0).sum() * counts[label]))


def report(logits: Tensor, label: Tensor) -> dict[str, Any]:
    """Everything above as plain values for result.json; `right` is `packed`, `labels` those of an unbalanced split."""
    logits, label = logits.cpu(), label.cpu()
    counts = confusion(logits, label)
    return {
        "accuracy": accuracy(logits, label),
        "per_class": per_class(counts),
        "confusion": counts.tolist(),
        "ece": expected_calibration_error(logits.double().softmax(1), label),
        "cross_entropy": cross_entropy(logits.double(), label),
        "reliability": reliability(logits.double().softmax(1), label),
        "mistakes": mistakes(logits.double().softmax(1), label),
        "images": len(label),
        "right": packed(logits.argmax(1) == label),
        **({"labels": _packed_labels(label)} if unbalanced_counts(counts.sum(1)) else {}),
    }


def _packed_labels(label: Tensor) -> str:
    return base64.b64encode(zlib.compress(label.numpy().astype(np.uint16).tobytes())).decode("ascii")
