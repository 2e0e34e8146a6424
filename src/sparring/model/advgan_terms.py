"""AdvGAN's loss terms and the statistics that show whether it still attacks: pure functions of logits and perturbations."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from sparring.attack.math import objective
from sparring.core.distributed import mean_over_images
from sparring.core.errors import ConfigError
from sparring.model.head.base import HeadMaker

DISTILL = ("none", "static", "dynamic")
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
def perturbation_statistics(change: Tensor, radius: float) -> dict[str, Tensor]:
    """Of perturbations (N, C, H, W): mean size, share at the bound, and standard deviation between images, in radii, 0-d each.

    A standard deviation near 0 means the same perturbation for all images.
    """
    unit = change / radius
    return {
        "perturbation/size": unit.abs().mean(),
        "perturbation/saturated": (unit.abs() > SATURATED).float().mean(),
        "perturbation/varied": unit.std(0, correction=0).mean(),
    }


def validation_scalars(predictions: Sequence[Tensor], target_class: int | None) -> dict[str, float]:
    """The target's accuracy on val, over all devices, without and with the perturbation; empty without a val split.

    Args:
        predictions: (3, n) each: label, predicted class of the clean image, predicted class of the perturbed image.
        target_class: adds the share of the images of other classes that are classified as it.
    """
    if not predictions:
        return {}
    label, clean, adversarial = torch.cat(list(predictions), 1)
    right = clean == label
    counts = [right.sum(), (right & (adversarial == label)).sum()]
    if target_class is not None:
        others = label != target_class
        counts += [others.sum(), (others & (adversarial == target_class)).sum()]
    share = mean_over_images(torch.stack(counts).float(), len(label)).tolist()
    scalars = {"val/accuracy": share[0], "val/robust_accuracy": share[1]}
    return scalars if target_class is None else scalars | {"val/hit_rate": share[3] / share[2] if share[2] else 0.0}


@dataclass(frozen=True)
class Weights:
    """Of P's loss (Xiao et al. 2018, equation 4).

    confidence: Carlini and Wagner's kappa. gan, norm: alpha and beta. norm_bound: c, in radii.

    Raises:
        ConfigError: one is negative.
    """

    confidence: float
    gan: float
    norm: float
    norm_bound: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            key = {"gan": "gan_weight", "norm": "norm_weight"}.get(name, name)
            if value < 0:
                raise ConfigError(f"model.{key}={value} must be 0 or more.")


def check_settings(
    distill: str, warm_up: float, target_class: int | str | None, num_classes: int, head: HeadMaker
) -> None:
    """Raise ConfigError for a setting out of range, or a head that looks at labels."""
    if distill not in DISTILL:
        raise ConfigError(f"model.distill={distill} is not one of {', '.join(DISTILL)}.")
    if not 0 <= warm_up < 1:
        raise ConfigError(f"model.warm_up={warm_up} must be from 0 to below 1: a share of the budget.")
    if (
        isinstance(target_class, int) and not 0 <= target_class < num_classes
    ):  # a name is known with the target's classes
        raise ConfigError(
            f"model.target_class={target_class} is no class: give one from 0 to {num_classes - 1} or its name, or null for any "
            "wrong one."
        )
    if head.conditional:
        raise ConfigError("model=advgan tells real from perturbed images without labels: set model/head=none.")
