"""Which class is meant, and settings that there are not."""

import pytest

from sparring.core.errors import ConfigError
from sparring.explanation.settings import ExplainSettings, asked_class
from tests.conftest import compose


def test_a_class_is_named_or_numbered(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("bag", "7", "boot")
    assert [asked_class(given, names, key="to") for given in ("boot", "0", "7")] == [2, 0, 1]
    assert capsys.readouterr().err == "to=0 is class 0 (bag)\n"  # a name says itself
    with pytest.raises(ConfigError, match=r"^to=9 is no class of this run\. It has 0 \(bag\), 1 \(7\), 2 \(boot\)\.$"):
        asked_class("9", names, key="to")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("subject=perturber", "subject=perturber is none of"),
        ("split=all", "split=all is none of train, val, test"),
        ("count=0", "count=0"),
        ("baseline=1.5", "from 0"),
        ("curve_steps=1", "curve_steps=1 is too few"),
        ("sanity=-1", "sanity=-1"),
        ("units=-1", "give 0 for no ablation"),
        ("space=x", "space=x is none of auto, z, w"),
        ("extent=0", "extent=0"),
        ("directions=0", "directions=0"),
    ],
)
def test_a_setting_that_there_is_not_is_refused(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ExplainSettings.of(compose("run=x", "paths.cache_dir=cache", override, config="explain"))
