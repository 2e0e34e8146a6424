"""The measurements behind the flags: a few attacks on a few images, which show where gradients are masked."""

from collections.abc import Iterator

from torch import Tensor

from sparring.attack.base import input_gradient, logits_at
from sparring.attack.evaluation import flags
from sparring.attack.evaluation.evaluate import evaluate
from sparring.attack.evaluation.target import Target
from sparring.attack.math.objective import cross_entropy
from sparring.attack.pgd import PGD
from sparring.core.modules import frozen_eval

FEW, MANY = 10, 100  # steps


def probe(
    target: Target, image: Tensor, label: Tensor, *, norm: str, epsilon: float, index: Tensor, seed: int
) -> list[str]:
    """Sentences of the flags that a classifier raises, from some images that are attacked in one batch.

    Args:
        image: (N, C, H, W) float32 in [-1, 1]. label, index: (N,) int64. epsilon: fraction of the pixel range.
    """
    return [sentence for sentence in _sentences(target, image, label, norm, epsilon, index, seed) if sentence]


def _sentences(
    target: Target, image: Tensor, label: Tensor, norm: str, epsilon: float, index: Tensor, seed: int
) -> Iterator[str | None]:
    with frozen_eval(target):
        yield flags.randomised(logits_at(target, image), logits_at(target, image))
        if not target.differentiable:
            return
        _, _, gradient = input_gradient(target, image, label, cross_entropy)
    yield flags.zero_gradients(gradient)

    def robust_accuracy(steps: int, strength: float, step_size: float | None, start: str) -> float:
        attack = PGD(
            norm=norm, epsilon=strength, steps=steps, step_size=step_size, start=start, restarts=1, loss="cross_entropy",
            momentum=0.0,
        )  # fmt: skip
        return evaluate(attack, target, image, label, index=index, seed=seed, batch_size=len(image)).accuracy

    few, many = (robust_accuracy(steps, epsilon, None, "uniform") for steps in (FEW, MANY))
    yield flags.more_steps_do_not_help(FEW, few, MANY, many)
    yield flags.single_step_wins(robust_accuracy(1, epsilon, epsilon, "image"), many)
    yield flags.everything_allowed(robust_accuracy(MANY, 1.0, None, "uniform"))
