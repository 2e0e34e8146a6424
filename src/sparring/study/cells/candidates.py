"""Recipes between which val decides: each trains a generator, draws a pool and trains the arm's classifier.

A GAN of few images fails or not by small choices. The generated arm gets a declared set of them, made once for each replicate
without a look at test; the computing time of all of them is the arm's, and stands beside the result.
"""

from collections.abc import Mapping, Sequence

from sparring.core.errors import ConfigError
from sparring.study.cells.recipes import gan_and_pool
from sparring.study.engine.cell import Cell, Seeds, Tag

AUGMENTED = "baseline"  # in the place of overrides: the baseline's own augmentation of the real images
Choices = Mapping[str, Sequence[str] | str | None]


def check_choices(choices: Choices) -> dict[str, list[str] | None]:
    """`study.gan_choices`: name -> overrides beside those of `study.gan`; None: the augmentation of the baseline.

    Raises:
        ConfigError: none, a name that cannot be a folder, or a text other than AUGMENTED.
    """
    if not choices:
        raise ConfigError("study.gan_choices={} must hold at least one choice, such as {plain: []}.")
    checked: dict[str, list[str] | None] = {}
    for name, overrides in choices.items():
        if not str(name).isidentifier():
            raise ConfigError(f"study.gan_choices has {name!r}: name a choice by letters, digits and _.")
        texts = isinstance(overrides, Sequence) and all(isinstance(each, str) for each in overrides)
        if not texts or (isinstance(overrides, str) and overrides != AUGMENTED):
            raise ConfigError(
                f"study.gan_choices.{name}={overrides} must be a list of overrides, such as [model/augment=diffaugment], or "
                f"{AUGMENTED}: the augmentation of the real images in the baseline."
            )
        checked[str(name)] = None if isinstance(overrides, str) else list(overrides or ())
    return checked


def candidate_pools(
    prefix: str, choices: Mapping[str, list[str] | None], *, recipe: Sequence[str], augmentation: Sequence[str],
    images: Sequence[str], steps: int, count: int, seeds: Seeds, tags: Mapping[str, Tag],
) -> list[Cell]:  # fmt: skip
    """For each choice `<prefix>/by_<choice>/generator` and `<prefix>/by_<choice>/pool`, tagged candidate=<choice>.

    Args:
        prefix: of the names of the cells.
        choices: as `check_choices` returns them.
        recipe, images, steps, count, seeds, tags: see `gan_and_pool`.
        augmentation: of the baseline, for the choice that has it.
    """
    cells = []
    for choice, more in choices.items():
        cells += gan_and_pool(
            f"{prefix}/by_{choice}", recipe=[*recipe, *(augmentation if more is None else more)], images=images, steps=steps,
            seeds=seeds, tags={**tags, "candidate": choice}, gan="generator", count=count,
        )  # fmt: skip
    return cells
