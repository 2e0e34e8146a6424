"""A trained perturber beside what it has to beat and what beats it: random signs and PGD, on the same images."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.evaluation.evaluate import distances, evaluate, subset
from sparring.attack.evaluation.target import Target
from sparring.attack.noise import Noise
from sparring.attack.pgd import PGD
from sparring.core.pixels import normalise
from sparring.core.settings import epsilon_text

COUNT = 1000  # images at most, those that attack.py takes
ROWS, BATCH, STEPS = 64, 256, 50
NOTHING = 0.02  # of accuracy: a perturber has to leave this much less than random signs do
WEAK = 0.5  # of PGD's success


def references(epsilon: float = 1.0) -> dict[str, Attack]:
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


def baseline_flags(
    perturber: nn.Module, network: nn.Module, data: Any, epsilon: float, device: torch.device, target_class: int | None
) -> dict[str, Any]:
    """Shares of the test images (val without a test split): right without an attack, and under each, in 0..1.

    perturber: image -> change in radii. network: image -> logits. epsilon: fraction of the pixel range, Linf.
    """
    split = "test" if len(data.whole("test").label) else "val"
    whole = data.whole(split)
    index = subset(len(whole.label), COUNT)
    if not len(index):
        return {}
    target = Target(copy.deepcopy(network).float(), rows=ROWS).eval()
    image, label = normalise(whole.image[index]).to(device), whole.label[index].to(device)
    own = copy.deepcopy(perturber).float().eval()
    attacks: dict[str, Attack] = references(epsilon)
    attacks["advgan"] = AdvGANAttack(norm="linf", epsilon=epsilon, run="").attach(own, trained_at=epsilon)
    outcomes = {
        name: evaluate(each, target, image, label, index=index.to(device), seed=0, batch_size=BATCH)
        for name, each in attacks.items()
    }
    found: dict[str, Any] = {"split": split, "images": len(index), "epsilon": epsilon}
    found["accuracy_clean"] = float(outcomes["noise"].clean.float().mean())
    found |= {f"accuracy_left_{name}": each.accuracy for name, each in outcomes.items()}
    linf, l2 = distances(outcomes["advgan"].adversarial, image.cpu())
    found |= {"mean_linf": float(linf.mean()), "mean_l2": float(l2.mean())}
    if target_class is not None:
        others = (label != target_class).cpu() & outcomes["advgan"].clean
        hits = outcomes["advgan"].predicted[others] == target_class
        found |= {"target_class": target_class, "hit_rate": float(hits.float().mean())}
    return found


def conclusion(found: Mapping[str, Any]) -> str:
    """`baseline_flags` in words; ends with a warning where the perturber does no more than noise, or little of PGD's work."""
    clean, noise = found["accuracy_clean"], found["accuracy_left_noise"]
    left, pgd = found["accuracy_left_advgan"], found["accuracy_left_pgd"]
    hits = (
        f" (it makes class {found['target_class']} of {found['hit_rate']:.1%} of the others)"
        if "hit_rate" in found
        else ""
    )
    text = (
        f"the target's accuracy on {found['images']:,} {found['split']} images at epsilon {epsilon_text(found['epsilon'])}: "
        f"{clean:.1%} clean, {noise:.1%} under random signs, {left:.1%} under this perturber{hits}, {pgd:.1%} under PGD-{STEPS}"
    )
    if "hit_rate" not in found and left > noise - NOTHING:
        return f"{text}; WARNING: the perturber does no more than random signs of the same strength, it has not learned to attack"
    if "hit_rate" not in found and clean - left < WEAK * (clean - pgd):
        return f"{text}; WARNING: less than half of PGD's success, so this perturber says little about robustness"
    return text
