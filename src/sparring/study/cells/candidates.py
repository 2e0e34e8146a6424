"""Recipes between which val decides: each trains a generator, draws a pool and trains the arm's classifier.

A GAN of few images fails or not by small choices. The generated arm gets a declared set of them, made once for each replicate
without a look at test; the computing time of all of them is the arm's, and stands beside the result.
"""

from collections.abc import Mapping, Sequence

from sparring.core.errors import ConfigError

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
        if overrides is None or (isinstance(overrides, str) and overrides != AUGMENTED):
            raise ConfigError(
                f"study.gan_choices.{name}={overrides} must be a list of overrides, such as [model/augment=diffaugment], or "
                f"{AUGMENTED}: the augmentation of the real images in the baseline."
            )
        checked[str(name)] = None if isinstance(overrides, str) else list(overrides)
    return checked
