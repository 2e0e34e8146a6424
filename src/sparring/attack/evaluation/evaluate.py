"""Robust accuracy: what an attack leaves of a classifier's accuracy, and what it cost."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.attack.base import Attack, attacked, look
from sparring.attack.evaluation.target import Target
from sparring.core.randomness import generator
from sparring.core.settings import IN_FLIGHT


@dataclass(frozen=True)
class AttackOutcome:
    """What became of N images, on the CPU.

    adversarial: (N, C, H, W) float32 in [-1, 1]; the original where the classifier was wrong without an attack.
    clean, correct: (N,) bool, classified correctly before and after. predicted: (N,) int64, after.
    forward_rows, gradient_rows: images the classifier looked at without and with a gradient. seconds: of CPU time.
    """

    adversarial: Tensor
    clean: Tensor
    correct: Tensor
    predicted: Tensor
    forward_rows: int
    gradient_rows: int
    seconds: float

    @property
    def accuracy(self) -> float:
        return float(self.correct.float().mean())

    @property
    def success_rate(self) -> float:
        """Share of the images classified correctly at first that are no longer."""
        return float((self.clean & ~self.correct).sum() / self.clean.sum().clamp(min=1))


def evaluate(
    attack: Attack, target: Target, image: Tensor, label: Tensor, *, index: Tensor, seed: int, batch_size: int
) -> AttackOutcome:
    """Attack the images that `target` classifies correctly, in batches; an image is right if it is right before and after.

    image: (N, C, H, W) float32 in [-1, 1]; label, index: (N,) int64; all on the target's device.
    """
    started, before = time.process_time(), (target.forward_rows, target.gradient_rows)
    clean = predictions(target, image, batch_size) == label
    adversarial = image.clone()
    for rows in clean.nonzero().squeeze(1).split(batch_size):
        adversarial[rows] = attack(target, image[rows], label[rows], index=index[rows], seed=seed)
    predicted = predictions(target, adversarial, batch_size)
    return AttackOutcome(
        adversarial.cpu(),
        clean.cpu(),
        (clean & (predicted == label)).cpu(),
        predicted.cpu(),
        target.forward_rows - before[0],
        target.gradient_rows - before[1],
        time.process_time() - started,
    )


def subset(length: int, count: int | None) -> Tensor:
    """Numbers, rising, of at most `count` images of a split of `length`: the same ones for every classifier."""
    return torch.randperm(length, generator=generator("attack", "subset"))[:count].sort().values


def predictions(target: Target, image: Tensor, batch_size: int) -> Tensor:
    """(N,) int64 classes."""
    with attacked(target):
        return torch.cat([look(target, part).argmax(1) for part in image.split(batch_size)])


def distances(adversarial: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
    """(Linf, L2) distance of each image, (N,) each, in fractions of the pixel range."""
    change = (adversarial.double() - image.double()).flatten(1) / IN_FLIGHT
    return change.abs().amax(1), change.norm(dim=1)


def per_class(correct: Tensor, label: Tensor, num_classes: int) -> list[float | None]:
    """Accuracy among the images of each class; None for a class without images."""
    counts = torch.bincount(label, minlength=num_classes).tolist()
    right_ones = torch.bincount(label[correct], minlength=num_classes).tolist()
    return [good / count if count else None for good, count in zip(right_ones, counts, strict=True)]
