"""The measurements behind the flags: a few attacks on a few images, made to fail visibly where gradients are masked."""

from collections.abc import Iterator

from torch import Tensor

from sparring.attack.base import attacked, look, slope
from sparring.attack.evaluation import flags
from sparring.attack.evaluation.evaluate import evaluate
from sparring.attack.evaluation.target import Target
from sparring.attack.math.objective import cross_entropy
from sparring.attack.pgd import PGD

FEW, MANY = 10, 100  # steps


def probe(
    target: Target, image: Tensor, label: Tensor, *, norm: str, epsilon: float, index: Tensor, seed: int
) -> list[str]:
    """What the flags say about a classifier, from some images (N, C, H, W) that are attacked in one batch."""
    return [sentence for sentence in _sentences(target, image, label, norm, epsilon, index, seed) if sentence]


def _sentences(
    target: Target, image: Tensor, label: Tensor, norm: str, epsilon: float, index: Tensor, seed: int
) -> Iterator[str | None]:
    with attacked(target):
        yield flags.randomised(look(target, image), look(target, image))
        if not target.differentiable:
            return
        _, _, gradient = slope(target, image, label, cross_entropy)
    yield flags.zero_gradients(gradient)

    def left(steps: int, strength: float, step_size: float | None, start: str) -> float:
        attack = PGD(
            norm=norm, epsilon=strength, steps=steps, step_size=step_size, start=start, restarts=1, loss="cross_entropy",
            momentum=0.0,
        )  # fmt: skip
        return evaluate(attack, target, image, label, index=index, seed=seed, batch_size=len(image)).accuracy

    few, many = left(FEW, epsilon, None, "uniform"), left(MANY, epsilon, None, "uniform")
    yield flags.more_steps_do_not_help(FEW, few, MANY, many)
    yield flags.single_step_wins(left(1, epsilon, epsilon, "image"), many)
    yield flags.everything_allowed(left(MANY, 1.0, None, "uniform"))
