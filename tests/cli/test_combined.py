"""Settings that another one leaves without effect are refused in one sentence; the same alone are not."""

import pytest

from sparring.cli.combined import check_combined
from sparring.cli.early import check_early
from sparring.core.errors import ConfigError

REFUSED = [
    (
        "train",
        ["trainer.max_steps=5", "trainer.max_epochs=2"],
        "trainer.max_steps=5 and trainer.max_epochs= are both the budget",
    ),
    ("evaluate", ["images=x", "reference=digits", "count=50"], "count=50 is about samples that a run draws"),
    ("evaluate", ["images=x", "reference=digits", "weights=generator"], "weights=generator is about samples"),
    ("evaluate", ["run=x", "reference=digits"], "reference=digits is what images= are compared with"),
    ("evaluate", ["run=x", "data=digits", "data.image_size=8"], "data=digits is what images= are compared with"),
    ("attack", ["run=x", "baseline=y"], "baseline=y is about corruptions, and none are asked for; add corruptions=all"),
    ("attack", ["run=x", "corruption_files=y", "corruptions=[]"], "corruption_files=y is about corruptions"),
    ("explain", ["run=x", "to=3"], "to=3 is about counterfactual images"),
    ("explain", ["run=x", "generator=null", "restarts=3"], "restarts=3 is about counterfactual images"),
    ("enhance", ["run=x", "images=y", "split=val"], "split=val is about the run's own data"),
    ("enhance", ["run=x", "tile=64"], "tile=64 is about files"),
]
TAKEN = [
    ("train", ["trainer.max_epochs=2"]),
    ("train", ["trainer.max_steps=5", "trainer.max_epochs=null"]),
    ("train", ["trainer.max_steps=5", "trainer.max_epochs=2", "resume=x"]),
    ("evaluate", ["run=x", "count=50", "images=null"]),
    ("evaluate", ["images=x", "data=digits", "data.image_size=8", "splits=[test]"]),
    ("attack", ["run=x", "baseline=y", "corruptions=[fog]"]),
    ("explain", ["run=x", "to=3", "generator=y"]),
    ("enhance", ["run=x", "images=y", "tile=64"]),
    ("generate", ["run=x", "count=3", "label=2"]),
]


def typed(overrides: list[str]) -> dict[str, str]:
    return dict(item.split("=", 1) for item in overrides)


@pytest.mark.parametrize(("verb", "overrides", "words"), REFUSED)
def test_what_would_be_ignored(verb: str, overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match="^" + words.replace("[", r"\[")):
        check_combined(verb, typed(overrides))


@pytest.mark.parametrize(("verb", "overrides"), TAKEN)
def test_what_has_an_effect(verb: str, overrides: list[str]) -> None:
    check_combined(verb, typed(overrides))


def test_the_command_line_asks_for_it() -> None:
    with pytest.raises(ConfigError, match=r"^baseline=y is about corruptions"):
        check_early("attack", ["run=x", "baseline=y"])
