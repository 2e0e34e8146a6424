"""AdvGAN's terms, and what shows that it has stopped attacking: pure functions of logits and perturbations."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sparring.attack.math import objective
from sparring.core.distributed import mean_over_images
from sparring.core.errors import ConfigError
from sparring.model.head.base import HeadMaker

DISTIL = ("none", "static", "dynamic")
SATURATED = 0.99  # of the radius: there tanh's slope is below 0.02


def margin(logits: Tensor, label: Tensor, target_class: int | None, confidence: float) -> Tensor:
    """Carlini and Wagner's (2017) f_6 of logits (N, K) and label (N,) -> (N,), at least -confidence.

    Untargeted: z_label - max over others z. Towards a class t: max over others z - z_t, whatever the label.
    """
    if target_class is None:
        distance = -objective.margin(logits, label)
    else:
        distance = objective.margin(logits, torch.full_like(label, target_class))
    return distance.clamp(min=-confidence)


def norm_hinge(change: Tensor, radius: float, bound: float) -> Tensor:
    """max(0, rms(change) / radius - bound) of perturbations (N, C, H, W) -> (N,).

    Xiao et al.'s (2018) max(0, ||change||_2 - c) (equation 3) over radius * sqrt(CHW), with c = bound * radius * sqrt(CHW).
    """
    square = change.flatten(1).square().mean(1)
    # The slope of a root has no limit at 0, where a perturber may start.
    return (square.clamp(min=1e-12).sqrt() / radius - bound).clamp(min=0)


@torch.no_grad()
def health(change: Tensor, radius: float) -> dict[str, Tensor]:
    """Of perturbations (N, C, H, W): mean size, share at the bound, and deviation between images, sizes in radii, 0-d each.

    A deviation near 0 is one pattern for all images.
    """
    unit = change / radius
    return {
        "perturbation/size": unit.abs().mean(),
        "perturbation/saturated": (unit.abs() > SATURATED).float().mean(),
        "perturbation/varied": unit.std(0, correction=0).mean(),
    }


def shares(parts: Sequence[Tensor], target_class: int | None) -> dict[str, float]:
    """Scalars of a pass over val, over all devices; nothing without a val split.

    parts: (3, n) each: label, prediction on the clean image, prediction on the perturbed image.
    """
    if not parts:
        return {}
    label, clean, left = torch.cat(list(parts), 1)
    right = clean == label
    counts = [right.sum(), (right & (left == label)).sum()]
    if target_class is not None:
        others = label != target_class
        counts += [others.sum(), (others & (left == target_class)).sum()]
    found = mean_over_images(torch.stack(counts).float(), len(label)).tolist()
    scalars = {"val/accuracy": found[0], "val/accuracy_left": found[1]}
    return scalars if target_class is None else scalars | {"val/hit_rate": found[3] / found[2] if found[2] else 0.0}


def check_settings(
    weights: Mapping[str, float],
    *,
    distill: str,
    warm_up: float,
    target_class: int | None,
    num_classes: int,
    head: HeadMaker,
) -> None:
    """Raise ConfigError for a setting out of range."""
    for key, value in weights.items():
        if value < 0:
            raise ConfigError(f"model.{key}={value} must be 0 or more.")
    if distill not in DISTIL:
        raise ConfigError(f"model.distill={distill} is not one of {', '.join(DISTIL)}.")
    if not 0 <= warm_up < 1:
        raise ConfigError(f"model.warm_up={warm_up} must be from 0 to below 1: a share of the budget.")
    if target_class is not None and not (isinstance(target_class, int) and 0 <= target_class < num_classes):
        raise ConfigError(
            f"model.target_class={target_class} is no class: give one from 0 to {num_classes - 1}, or null for any wrong one."
        )
    if head.conditional:
        raise ConfigError("model=advgan tells real from perturbed images without labels: set model/head=none.")
