"""Signs that an attack, not the classifier, is weak (Carlini et al. 2019, section 5; the flags of AutoAttack).

Pure functions of accuracies in 0..1; each returns a sentence, or None where there is nothing to say.
"""

import itertools
from collections.abc import Mapping, Sequence

from torch import Tensor

from sparring.core.settings import epsilon_text

SLACK = 0.01  # of accuracy: differences up to one point are no sign of anything
ZERO_SHARE = 0.05  # of images without a gradient
REACHED = 0.05  # accuracy that an attack at epsilon 1, which may paint anything, should get below


def randomised(first: Tensor, second: Tensor) -> str | None:
    """Logits (N, K) of the same images in two passes of the same shape."""
    difference = float((first - second).abs().max())
    if difference == 0:
        return None
    return (
        f"Two passes over the same images give logits that differ by up to {difference:.2g}: the classifier's output is random, "
        "so accuracies here are those of an attack without averaging over the randomness, and may be too high."
    )


def zero_gradients(gradient: Tensor) -> str | None:
    """Gradients of the cross-entropy (N, C, H, W); NaN counts as none."""
    share = float((gradient.nan_to_num(0.0).flatten(1).abs().amax(1) == 0).float().mean())
    if share < ZERO_SHARE:
        return None
    return (
        f"The gradient of the cross-entropy is exactly zero at {share:.0%} of the images: gradients are masked or vanish, "
        "so trust loss=dlr, loss=margin and attack=square more."
    )


def black_box_wins(white_box: Mapping[str, float], black_box: Mapping[str, float]) -> str | None:
    """Accuracy left by each attack that follows gradients, and by each that does not, at one epsilon."""
    if not white_box or not black_box:
        return None
    white, black = min(white_box, key=white_box.__getitem__), min(black_box, key=black_box.__getitem__)
    if black_box[black] >= white_box[white] - SLACK:
        return None
    return (
        f"{black}, which sees no gradient, leaves {black_box[black]:.1%}, less than {white_box[white]:.1%} "
        f"of {white}, which does: the gradients are masked."
    )


def more_steps_do_not_help(few: int, few_accuracy: float, many: int, many_accuracy: float) -> str | None:
    """Accuracy left by the same attack with `few` and with `many` steps."""
    if many_accuracy <= few_accuracy + SLACK:
        return None
    return (
        f"{many} steps leave {many_accuracy:.1%}, more than the {few_accuracy:.1%} of {few} steps: the loss surface misleads "
        "the attack."
    )


def single_step_wins(single: float, iterated: float) -> str | None:
    """Accuracy left by one step and by many of the same length together."""
    if single >= iterated - SLACK:
        return None
    return f"One step leaves {single:.1%}, less than {iterated:.1%} of many: the gradients are masked."


def everything_allowed(accuracy: float) -> str | None:
    """Accuracy under an attack with epsilon 1."""
    if accuracy <= REACHED:
        return None
    return f"At epsilon 1, where any image may be painted, {accuracy:.1%} are still right: the attack misses what must exist."


def not_bypassed(bypassable: bool, bypassed: bool) -> str | None:
    """Whether the defence could be gone through, and whether an attack did."""
    if not bypassable or bypassed:
        return None
    return (
        "No attack here goes through the defence, so these accuracies are those of attackers who do not know it: "
        "add attack=bpda."
    )


def not_falling(curve: Sequence[tuple[float, float]], name: str) -> str | None:
    """(epsilon, accuracy) of one attack: a larger ball holds every smaller one."""
    ordered = sorted(curve)
    for (small, before), (large, after) in itertools.pairwise(ordered):
        if after > before + SLACK:
            return (
                f"{name} leaves {after:.1%} at epsilon {epsilon_text(large)}, more than {before:.1%} at {epsilon_text(small)}: "
                "it gets lost in the larger ball."
            )
    return None
