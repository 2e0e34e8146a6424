"""Signs that the attack is weak, rather than the classifier robust (Carlini et al. 2019, section 5; the flags of AutoAttack).

Pure functions of accuracies in 0..1; each returns a sentence, or None where there is nothing to say.
"""

import itertools
from collections.abc import Mapping, Sequence

from torch import Tensor

from sparring.core.settings import epsilon_text

SLACK = 0.01  # accuracy: smaller differences raise no flag
ZERO_SHARE = 0.05  # share of images without a gradient that raises the flag
UNBOUNDED = 0.05  # accuracy that an attack at epsilon 1, where any image is allowed, should get below


def randomised(first: Tensor, second: Tensor) -> str | None:
    """Whether two passes over the same images gave other logits (N, K)."""
    difference = float((first - second).abs().max())
    if difference == 0:
        return None
    return (
        f"Two passes over the same images give logits that differ by up to {difference:.2g}: the classifier's output is random, "
        "so accuracies here are those of an attack without averaging over the randomness, and may be too high."
    )


def zero_gradients(gradient: Tensor) -> str | None:
    """Whether gradients of the cross-entropy (N, C, H, W) vanish; NaN counts as zero."""
    share = float((gradient.nan_to_num(0.0).flatten(1).abs().amax(1) == 0).float().mean())
    if share < ZERO_SHARE:
        return None
    return (
        f"The gradient of the cross-entropy is exactly zero at {share:.0%} of the images: gradients are masked or vanish, "
        "so trust the losses dlr and margin and attack=square more."
    )


def black_box_wins(white_box: Mapping[str, float], black_box: Mapping[str, float]) -> str | None:
    """Robust accuracies at one epsilon by attack: of those that follow gradients, and of those that do not."""
    if not white_box or not black_box:
        return None
    white, black = min(white_box, key=white_box.__getitem__), min(black_box, key=black_box.__getitem__)
    if black_box[black] >= white_box[white] - SLACK:
        return None
    return (
        f"Accuracy is {black_box[black]:.1%} under {black}, which uses no gradient, and {white_box[white]:.1%} under {white}, "
        "which does: the gradients are masked."
    )


def more_steps_do_not_help(few: int, few_accuracy: float, many: int, many_accuracy: float) -> str | None:
    """Robust accuracy under the same attack with `few` and with `many` steps."""
    if many_accuracy <= few_accuracy + SLACK:
        return None
    return (
        f"Accuracy is {many_accuracy:.1%} under {many} steps and {few_accuracy:.1%} under {few}: the loss surface misleads the "
        "attack."
    )


def single_step_wins(single: float, iterated: float) -> str | None:
    """Robust accuracy under one step of length epsilon, and under many."""
    if single >= iterated - SLACK:
        return None
    return f"Accuracy is {single:.1%} under one step and {iterated:.1%} under many: the gradients are masked."


def everything_allowed(accuracy: float) -> str | None:
    """Robust accuracy at epsilon 1."""
    if accuracy <= UNBOUNDED:
        return None
    return f"At epsilon 1, where any image is allowed, {accuracy:.1%} are still classified correctly: the attack fails."


def not_bypassed(bypassable: bool, bypassed: bool) -> str | None:
    """Whether the defence can be attacked by BPDA, and whether one of the attacks did."""
    if not bypassable or bypassed:
        return None
    return (
        "No attack here takes the defence into account, so these accuracies are those of attackers who do not know it: "
        "add attack=bpda."
    )


def not_falling(curve: Sequence[tuple[float, float]], name: str) -> str | None:
    """Whether robust accuracy rises with epsilon, though a larger ball holds the smaller; curve: (epsilon, accuracy) pairs."""
    ordered = sorted(curve)
    for (small, before), (large, after) in itertools.pairwise(ordered):
        if after > before + SLACK:
            return (
                f"Accuracy under {name} rises from {before:.1%} at epsilon {epsilon_text(small)} to {after:.1%} at "
                f"{epsilon_text(large)}: the attack is too weak for the larger ball."
            )
    return None
