"""A trained perturber against its baselines: random signs, which it has to beat, and PGD, on the same images."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.evaluation.evaluate import distances, evaluate, subset
from sparring.attack.evaluation.target import Target
from sparring.attack.noise import Noise
from sparring.attack.pgd import PGD
from sparring.core.measurement import Measurement, robust_accuracy_name, share
from sparring.core.pixels import normalise
from sparring.core.settings import epsilon_text
from sparring.core.task import class_words
from sparring.core.types import TrainingData

COUNT = 1000  # images at most, as many as attack.py takes
ROWS, BATCH, STEPS = 64, 256, 50
MARGIN = 0.02  # robust accuracy by which a perturber must be below random signs to count as an attack
WEAK = 0.5  # share of PGD's success below which a warning is given


def baselines(epsilon: float = 1.0) -> dict[str, Attack]:
    """Random signs and PGD-50 in the Linf norm; epsilon: fraction of the pixel range."""
    pgd = PGD(
        norm="linf",
        epsilon=epsilon,
        steps=STEPS,
        step_size=None,
        start="uniform",
        restarts=1,
        loss="cross_entropy",
        momentum=0.0,
    )
    return {"noise": Noise(norm="linf", epsilon=epsilon), "pgd": pgd}


def baseline_metrics(
    perturber: nn.Module,
    network: nn.Module,
    data: TrainingData,
    epsilon: float,
    device: torch.device,
    target_class: int | None,
    class_names: Sequence[str] = (),
) -> dict[str, Any]:
    """Accuracies on test images (val without a test split): clean, and under the perturber and each baseline, in 0..1.

    Args:
        perturber: image (N, C, H, W) -> change of it in radii, of the same shape.
        network: image (N, C, H, W) -> logits (N, K).
        epsilon: Linf bound, a fraction of the pixel range.
        target_class: adds `hit_rate`, the share of the other classes' images that are classified as it.
        class_names: for the record.

    Returns:
        Metrics by name; empty if the data has neither split.
    """
    split = "test" if len(data.whole("test").label) else "val"
    whole = data.whole(split)
    index = subset(len(whole.label), COUNT)
    if not len(index):
        return {}
    target = Target(copy.deepcopy(network).float(), rows=ROWS).eval()
    image, label = normalise(whole.image[index]).to(device), whole.label[index].to(device)
    own = copy.deepcopy(perturber).float().eval()
    attacks: dict[str, Attack] = baselines(epsilon)
    attacks["advgan"] = AdvGANAttack(norm="linf", epsilon=epsilon, run="").attach(own, trained_at=epsilon)
    outcomes = {
        name: evaluate(each, target, image, label, index=index.to(device), seed=0, batch_size=BATCH)
        for name, each in attacks.items()
    }
    metrics: dict[str, Any] = {"split": split, "images": len(index), "epsilon": epsilon}
    metrics["accuracy_clean"] = float(outcomes["noise"].clean.float().mean())
    metrics |= {f"robust_accuracy_{name}": each.accuracy for name, each in outcomes.items()}
    linf, l2 = distances(outcomes["advgan"].adversarial, image.cpu())
    metrics |= {"mean_linf": float(linf.mean()), "mean_l2": float(l2.mean())}
    if target_class is not None:
        others = (label != target_class).cpu() & outcomes["advgan"].clean
        hits = outcomes["advgan"].predicted[others] == target_class
        metrics |= {"target_class": target_class, "hit_rate": float(hits.float().mean())}
        metrics["target"] = class_words(target_class, class_names)
    return metrics


def measurements(measured: Mapping[str, Any]) -> dict[str, Measurement]:
    """The accuracies of `baseline_metrics` as metrics: of the target, so more is better for whoever defends it."""
    if not measured:
        return {}
    split, epsilon = measured["split"], measured["epsilon"]
    images = {"split": split, "images": measured["images"]}
    count = measured["images"]
    metrics = {f"{split}/accuracy": share(measured["accuracy_clean"], images=count, protocol=images)}
    for name in ("noise", "pgd", "advgan"):
        protocol = (
            images | {"attack": name, "norm": "linf", "epsilon": epsilon} | ({"steps": STEPS} if name == "pgd" else {})
        )
        value = measured[f"robust_accuracy_{name}"]
        metrics[robust_accuracy_name(split, name, epsilon)] = share(value, images=count, protocol=protocol)
    if "hit_rate" in measured:
        protocol = images | {"attack": "advgan", "epsilon": epsilon, "target_class": measured["target_class"]}
        metrics[f"{split}/targeted_success_rate"] = Measurement(
            value=measured["hit_rate"], direction="higher", protocol=protocol
        )
    return metrics


def conclusion(metrics: Mapping[str, Any]) -> str:
    """`baseline_metrics` in words, with a warning where the perturber is no better than noise, or much weaker than PGD."""
    clean, noise = metrics["accuracy_clean"], metrics["robust_accuracy_noise"]
    robust, pgd = metrics["robust_accuracy_advgan"], metrics["robust_accuracy_pgd"]
    targeted = "hit_rate" in metrics
    hits = f" (it makes {metrics['target']} of {metrics['hit_rate']:.1%} of the others)" if targeted else ""
    text = (
        f"the target's accuracy on {metrics['images']:,} {metrics['split']} images at epsilon "
        f"{epsilon_text(metrics['epsilon'])}: {clean:.1%} clean, {noise:.1%} under random signs, {robust:.1%} under this "
        f"perturber{hits}, {pgd:.1%} under PGD-{STEPS}"
    )
    if not targeted and robust > noise - MARGIN:
        return f"{text}; WARNING: the perturber does no more than random signs of the same strength, it has not learned to attack"
    if not targeted and clean - robust < WEAK * (clean - pgd):
        return f"{text}; WARNING: less than half of PGD's success, so this perturber says little about robustness"
    return text
