"""Robust accuracy: the accuracy of a classifier under an attack, and what the attack cost."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.attack.base import Attack, logits_at
from sparring.attack.evaluation.target import Target
from sparring.core.modules import frozen_eval
from sparring.core.randomness import generator
from sparring.core.settings import IN_FLIGHT


@dataclass(frozen=True)
class AttackOutcome:
    """The results of an attack on N images, on the CPU.

    adversarial: (N, C, H, W) float32 in [-1, 1]; the original where the classifier was wrong without an attack.
    clean, correct: (N,) bool, classified correctly without, and with and without the attack. predicted: (N,) int64 classes of
        `adversarial`.
    forward_rows, gradient_rows: images that the classifier was queried with, without and with a gradient.
    seconds: CPU time.
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
        """Robust accuracy, in 0..1."""
        return float(self.correct.float().mean())

    @property
    def success_rate(self) -> float:
        """Share of the correctly classified images that the attack turned wrong, in 0..1."""
        return float((self.clean & ~self.correct).sum() / self.clean.sum().clamp(min=1))


def evaluate(
    attack: Attack, target: Target, image: Tensor, label: Tensor, *, index: Tensor, seed: int, batch_size: int
) -> AttackOutcome:
    """Attack the images that `target` classifies correctly, in batches.

    Args:
        image: (N, C, H, W) float32 in [-1, 1]. label, index: (N,) int64. All on the target's device.
        index: numbers of the images in their data set, which with `seed` decide the attack's random draws.
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
    """(n,) sorted positions of at most `count` images of a split of `length`: the same ones for every classifier."""
    return torch.randperm(length, generator=generator("attack", "subset"))[:count].sort().values


def predictions(target: Target, image: Tensor, batch_size: int) -> Tensor:
    """(N,) int64 classes of images (N, C, H, W)."""
    with frozen_eval(target):
        return torch.cat([logits_at(target, part).argmax(1) for part in image.split(batch_size)])


def distances(adversarial: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
    """(Linf, L2) distances between images (N, C, H, W) in [-1, 1], (N,) each, in fractions of the pixel range."""
    change = (adversarial.double() - image.double()).flatten(1) / IN_FLIGHT
    return change.abs().amax(1), change.norm(dim=1)


def per_class(correct: Tensor, label: Tensor, num_classes: int) -> list[float | None]:
    """Accuracy in 0..1 among the images of each class, from correct and label (N,); None for a class without images."""
    counts = torch.bincount(label, minlength=num_classes).tolist()
    right_ones = torch.bincount(label[correct], minlength=num_classes).tolist()
    return [good / count if count else None for good, count in zip(right_ones, counts, strict=True)]
