"""Objectives that attacks maximise: functions of logits (N, K) and label (N,) -> (N,), larger is worse for the classifier.

Untargeted margin and DLR are positive exactly where the image is misclassified. `target` (N,) is the class to be predicted.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from sparring.core.errors import ConfigError

Objective = Callable[[Tensor, Tensor], Tensor]
LOSSES = ("cross_entropy", "margin", "dlr")


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """-log p(label)."""
    return functional.cross_entropy(logits, label, reduction="none")


def margin(logits: Tensor, label: Tensor) -> Tensor:
    """max over others z - z_label (Carlini and Wagner 2017, equation 6 of section V, without the cut)."""
    return best_other(logits, label) - _at(logits, label)


def dlr(logits: Tensor, label: Tensor) -> Tensor:
    """Difference of logits ratio: (max over others z - z_label) / (z_1st - z_3rd) (Croce and Hein 2020, equation 6).

    Raises:
        ConfigError: fewer than three classes.
    """
    top = _largest(logits, 3)
    return margin(logits, label) / (top[:, 0] - top[:, 2] + 1e-12)


def cross_entropy_targeted(logits: Tensor, label: Tensor, target: Tensor) -> Tensor:
    """log p(target)."""
    return -functional.cross_entropy(logits, target, reduction="none")


def margin_targeted(logits: Tensor, label: Tensor, target: Tensor) -> Tensor:
    """z_target - z_label."""
    return _at(logits, target) - _at(logits, label)


def dlr_targeted(logits: Tensor, label: Tensor, target: Tensor) -> Tensor:
    """(z_target - z_label) / (z_1st - (z_3rd + z_4th) / 2) (Croce and Hein 2020, equation 7).

    Raises:
        ConfigError: fewer than four classes.
    """
    top = _largest(logits, 4)
    return margin_targeted(logits, label, target) / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2 + 1e-12)


def kl_from(clean_logits: Tensor) -> Objective:
    """KL(p(clean) || p(x)), which TRADES maximises (Zhang et al. 2019, equation 5), of clean logits (N, K); ignores the label."""
    log_clean = clean_logits.detach().log_softmax(1)

    def kl(logits: Tensor, label: Tensor) -> Tensor:
        return functional.kl_div(logits.log_softmax(1), log_clean, reduction="none", log_target=True).sum(1)

    return kl


def untargeted(loss: str) -> Objective:
    """The objective with a name in LOSSES, towards any wrong class."""
    return {"cross_entropy": cross_entropy, "margin": margin, "dlr": dlr}[loss]


def towards(loss: str, target: Tensor) -> Objective:
    """The objective with a name in LOSSES, towards target classes (N,)."""
    functions = {"cross_entropy": cross_entropy_targeted, "margin": margin_targeted, "dlr": dlr_targeted}
    return lambda logits, label: functions[loss](logits, label, target)


def check_loss(loss: str, choices: tuple[str, ...]) -> str:
    """`loss` if it is one of `choices`. Raises ConfigError."""
    if loss not in choices:
        raise ConfigError(f"loss={loss} is unknown to this attack; give one of {', '.join(choices)}.")
    return loss


def classes_needed(loss: str, *, targeted: bool) -> int:
    """How many classes the objective with a name in LOSSES, or kl, needs: DLR divides by a gap between others."""
    return (4 if targeted else 3) if loss == "dlr" else 2


def check_classes(loss: str, count: int, *, targeted: bool = False) -> None:
    """Raise ConfigError where a classifier of `count` classes has too few for the loss."""
    needed = classes_needed(loss, targeted=targeted)
    if count < needed:
        kind = "targeted " if targeted else ""
        raise ConfigError(
            f"the {kind}loss {loss} needs {needed} classes and the classifier has {count}; take the loss margin."
        )


def best_other(logits: Tensor, label: Tensor) -> Tensor:
    """The largest logit of a class other than the label, (N,)."""
    return logits.scatter(1, label[:, None], -torch.inf).amax(1)


def _at(logits: Tensor, label: Tensor) -> Tensor:
    return logits.gather(1, label[:, None]).squeeze(1)


def _largest(logits: Tensor, needed: int) -> Tensor:
    """The `needed` largest logits in falling order. Raises ConfigError where there are not so many classes."""
    if logits.shape[1] < needed:
        kind = "DLR" if needed == 3 else "targeted DLR"
        raise ConfigError(
            f"the loss {kind} needs {needed} classes and the classifier has {logits.shape[1]}; take the loss margin instead."
        )
    return logits.topk(needed, dim=1).values
