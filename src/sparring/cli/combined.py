"""Settings that would be accepted and ignored, since another one that was typed, or was not, leaves them without effect."""

from collections.abc import Mapping
from dataclasses import dataclass

from sparring.core.errors import ConfigError


@dataclass(frozen=True)
class Rule:
    """Of a verb: `keys` have no effect with `given`, or without all of `needs`.

    Args:
        keys: settings, or beginnings of settings that end in a dot.
        why: what they are about, and what to do; follows "<key>=<value>".
        given: a setting that leaves them without effect.
        needs: settings of which one is to be given.
    """

    keys: tuple[str, ...]
    why: str
    given: str = ""
    needs: tuple[str, ...] = ()


_DRAWN = ("count", "repeats", "label", "truncation", "weights", "checkpoint")
_RULES: Mapping[str, tuple[Rule, ...]] = {
    "train": (
        Rule(("trainer.max_steps",), "and trainer.max_epochs= are both the budget; leave one out", given="trainer.max_epochs"),
    ),
    "evaluate": (
        Rule(_DRAWN, "is about samples that a run draws, and images= are measured as they are; leave it out", given="images"),
        Rule(
            ("reference", "data", "data."),
            "is what images= are compared with, and a run is compared with its own data; leave it out", given="run",
        ),
    ),
    "attack": (
        Rule(
            ("baseline", "corruption_files"), "is about corruptions, and none are asked for; add corruptions=all",
            needs=("corruptions",),
        ),
    ),
    "explain": (
        Rule(
            ("to", "counterfactuals", "restarts", "invert_steps"),
            "is about counterfactual images, which a generator makes; add generator=<run of a GAN>", needs=("generator",),
        ),
    ),
    "enhance": (
        Rule(
            ("split", "format", "pictured", "seed"),
            "is about the run's own data, and images= are enhanced as they are; leave it out", given="images",
        ),
        Rule(("tile",), "is about files; add images=<file or folder>", needs=("images",)),
    ),
}  # fmt: skip


def check_combined(verb: str, typed: Mapping[str, str]) -> None:
    """Refuse what would be ignored.

    Args:
        typed: value of every setting on the command line; nothing is refused where a run is resumed, whose own settings are among
            them.

    Raises:
        ConfigError: names the first such setting.
    """
    present = [key for key, value in typed.items() if value not in ("null", "[]")]
    for rule in () if "resume" in present else _RULES.get(verb, ()):
        if rule.given in present or (rule.needs and not set(rule.needs).intersection(present)):
            for key in present:
                if key in rule.keys or key.startswith(tuple(each for each in rule.keys if each.endswith("."))):
                    raise ConfigError(f"{key}={typed[key]} {rule.why}.")
