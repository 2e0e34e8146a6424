"""AdvGAN's terms, and what shows that it has stopped attacking: pure functions of logits and perturbations."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sparring.attack import objective
from sparring.model.game import mean_over_images

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

    Xiao et al.'s (2018) max(0, ||change||_2 - c) (equation 3), divided by radius * sqrt(CHW), with c = bound * radius * sqrt(CHW).
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
