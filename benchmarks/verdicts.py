"""How often the verdicts of a study are wrong, and how often they decide: by simulation, with the code that studies use.

    python benchmarks/verdicts.py                    the tables of docs/statistics.md, about a minute
    python benchmarks/verdicts.py --studies 2000     quicker and noisier

X is the smallest effect of interest; differences between arms have the standard deviation X (that of the demo's arms).
"""

import argparse
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sparring.study.stats.levels import LOOKS, SINGLE, levels
from sparring.study.stats.mean_test import MeanTest
from sparring.study.stats.replicates import replicates_to_decide

Array = NDArray[np.float64]
SIZES = (6, 10, 16, 24)
X = 1.0

# Differences (shape) of mean 0 and standard deviation 1.
SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda random, shape: random.normal(0, 1, shape),
    "discrete (355 test images)": lambda random, shape: _discrete(random, shape),
    "heavy tails (t, 3 degrees)": lambda random, shape: random.standard_t(3, shape) / math.sqrt(3),
    "skewed (skewness 1)": lambda random, shape: (random.gamma(4, 1, shape) - 4) / 2,
    "very skewed (exponential, skewness 2)": lambda random, shape: random.exponential(1, shape) - 1,
    "one run in ten collapses": lambda random, shape: _collapse(random, shape),
}
# The largest family of each shipped study at its defaults.
FAMILIES = {
    "augment_curve": 31, "imbalance": 18, "filter": 22, "cas": 3, "ssl_labels": 3, "similarity_stop": 5, "robust_at": 7,
    "corruptions": 5, "purify": 2, "attack_table": 11, "seed_noise": 1,
}  # fmt: skip


def _discrete(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Differences of two accuracies that share their draw, in steps of one image."""
    shared = np.clip(random.normal(0.92, 0.01, shape), 0, 1)
    return np.asarray((random.binomial(355, shared) - random.binomial(355, shared)) / 355 / 0.0205)


def _collapse(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    values = random.normal(0, 1, shape) + np.where(random.random(shape) < 0.1, -9.0, 1.0)
    return np.asarray(values / values.std())


def table(title: str, head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    for row in (head, ("---",) * len(head), *rows):
        print("| " + " | ".join(row) + " |", flush=True)


def percent(flags: Array | NDArray[np.bool_]) -> str:
    """The share of true values."""
    return f"{100 * float(np.mean(flags)):.1f} %"


def single(studies: int) -> Iterator[tuple[str, ...]]:
    """A comparison with a fixed number of replicates: wrong verdicts by shape."""
    for shape, draw in SHAPES.items():
        for n in SIZES:
            test = MeanTest.of(draw(np.random.default_rng(n), (studies, n)))
            student = MeanTest(test.mean, test.error, test.df, np.zeros_like(test.mean), n)
            none = [MeanTest(test.mean + at, test.error, test.df, test.skewness, n) for at in (X, -X)]
            called_none = [(each.equivalence(X) <= 0.05) & (each.difference() > 0.05) for each in none]
            wrong_none = max(float(np.mean(each)) for each in called_none)
            yield (
                shape, str(n), percent(test.difference() <= SINGLE.difference), percent(student.difference() <= 0.05),
                f"{100 * wrong_none:.1f} %",
            )  # fmt: skip


def effects(studies: int) -> Iterator[tuple[str, ...]]:
    """Verdicts by true effect: fixed numbers of replicates, and replicates added at the planned looks."""
    for shape in ("normal", "skewed (skewness 1)", "discrete (355 test images)"):
        for effect in (0.0, X / 2, X, 2 * X):
            x = effect + SHAPES[shape](np.random.default_rng(7), (studies, LOOKS[-1]))
            for n in SIZES:
                test = MeanTest.of(x[:, :n])
                different, none = test.difference() <= 0.05, test.equivalence(X) <= 0.05
                yield _effect_row(shape, effect, str(n), test.mean, different, none, np.full(studies, float(n)))
            yield _sequential(shape, effect, x)


def _sequential(shape: str, effect: float, x: Array) -> tuple[str, ...]:
    studies = len(x)
    undecided, used = np.ones(studies, bool), np.full(studies, float(LOOKS[-1]))
    different, none, mean = np.zeros(studies, bool), np.zeros(studies, bool), np.zeros(studies)
    for k, n in enumerate(LOOKS):
        test, level = MeanTest.of(x[:, :n]), levels(LOOKS, k)
        now_different = undecided & (test.difference() <= level.difference)
        now_none = undecided & ~now_different & (test.equivalence(X) <= level.equivalence)
        decided = now_different | now_none
        mean = np.where(undecided, test.mean, mean)
        different, none = different | now_different, none | now_none
        used = np.where(decided, float(n), used)
        undecided &= ~decided
    return _effect_row(shape, effect, "auto", mean, different, none, used)


def _effect_row(
    shape: str, effect: float, n: str, mean: Array, different: Array, none: Array, used: Array
) -> tuple[str, ...]:
    helps, hurts, none = different & (mean > 0), different & (mean < 0), none & ~different
    open_ = ~(helps | hurts | none)
    return (
        shape, f"{effect / X:g} X", n, percent(helps), percent(hurts), percent(none), percent(open_), f"{used.mean():.1f}",
    )  # fmt: skip


def families(studies: int) -> Iterator[tuple[str, ...]]:
    """Any wrong verdict in the largest family of each study; all arms share the baseline, so that differences correlate."""
    for name, members in FAMILIES.items():
        row = [name, str(members)]
        for shape in ("normal", "skewed (skewness 1)", "very skewed (exponential, skewness 2)"):
            for n in (6, 10):
                draw, random = SHAPES[shape], np.random.default_rng(n)
                arms = draw(random, (studies, members, n)) - draw(random, (studies, 1, n))
                test = MeanTest.of(arms / math.sqrt(2))
                row.append(percent(members * test.difference().min(1) <= 0.05))
        yield tuple(row)


def power(studies: int) -> Iterator[tuple[str, ...]]:
    """Whether the stated number of replicates decides in 80 % of studies."""
    for effect in (0.0, 0.25, 0.5, 1.0, 1.5, 2.0):
        needed = replicates_to_decide(effect * X, X, X)
        x = effect * X + np.random.default_rng(3).normal(0, X, (studies, int(needed)))
        test = MeanTest.of(x)
        decided = (test.difference() <= 0.05) | (test.equivalence(X) <= 0.05)
        yield f"{effect:g} X", f"{needed:.0f}", percent(decided)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=20_000, help="simulated studies per row")
    studies = parser.parse_args().studies
    table("Wrong verdicts of one comparison", ("differences", "replicates", "wrong HELPS or HURTS, no effect",
          "the same by Student's t alone", "wrong NO DIFFERENCE, effect X"), single(studies))  # fmt: skip
    table("Verdicts by true effect", ("differences", "effect", "replicates", "HELPS", "HURTS", "NO DIFFERENCE", "OPEN",
          "replicates used"), effects(studies))  # fmt: skip
    shapes = [f"{shape}, n = {n}" for shape in ("normal", "skewed", "very skewed") for n in (6, 10)]
    table("Any wrong HELPS or HURTS in a study's largest family, no effect at all", ("study", "comparisons", *shapes),
          families(min(studies, 10_000)))  # fmt: skip
    table("Replicates that are said to decide", ("effect", "needed", "decided"), power(studies))


if __name__ == "__main__":
    main()
