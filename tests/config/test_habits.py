"""What is typed by habit means a setting that there is, and every hint about one works when it is typed."""

import re
from pathlib import Path

import pytest

from sparring.config.check import check
from sparring.config.compose import CONFIG_DIR, compose_all, hydra_at
from sparring.config.habits import ADVICE, CHOICES, NAMES, translated
from sparring.config.values import keys
from sparring.core.errors import ConfigError
from tests.config.known import unknown

VERBS = ("train", "generate", "evaluate", "attack", "study")
VALUES = {
    "data": "mnist", "hydra.run.dir": "/tmp/x", "paths.log_dir": "/tmp/x", "paths.cache_dir": "/tmp/x", "name": "mine",
    "data.path": "/tmp/x", "trainer.accelerator": "cpu", "trainer.precision": "bf16-mixed", "resume": "null",
    "metric/features": "lite0", "truncation": "0.7",
}  # fmt: skip


def settings(verb: str) -> dict[str, list[str]]:
    return {setting: names.split() for setting, names in {**NAMES[""], **NAMES.get(verb, {})}.items()}


@pytest.mark.parametrize("verb", VERBS)
def test_every_habit_is_read_as_a_setting_that_there_is_and_is_none_itself(verb: str) -> None:
    with hydra_at(CONFIG_DIR, verb):
        default = compose_all(verb, [])
    here = set(keys(default, hydra=False))
    meant = []
    for setting, names in settings(verb).items():
        if setting == "run" or (verb == "attack" and setting == "epsilon"):
            names = [name for name in names if "." not in name]
        value = VALUES.get(setting, "2")
        assert here.isdisjoint(set(names) - {"dataset", "paths.run_dir"})
        if setting != "run":
            meant.append(f"{setting}={value}")
        for name in names:
            assert translated(verb, [f"{name}={value}"])[0] == [f"{setting}={value}"]
    # `run` needs a run on disk, and a setting is given once.
    check(verb, meant, config_dir=CONFIG_DIR, complete=False)


@pytest.mark.parametrize(
    ("verb", "typed"), [(verb, typed) for verb, choices in CHOICES.items() for typed in sorted(choices)], ids=str
)
def test_choices_are_translated(verb: str, typed: str) -> None:
    overrides, notes = translated(verb, [f"+{typed}"])
    assert overrides == list(CHOICES[verb][typed])
    assert len(notes) == 1
    assert typed in notes[0]


def test_what_choices_and_advice_name_is_there() -> None:
    hints = [override for choices in CHOICES.values() for meant in choices.values() for override in meant]
    for text in (text for advice in ADVICE.values() for text in advice.values()):
        found = re.findall(r"(?<![\w.'])'?([\w./]+=(?:\[[^\]]*\]|[^\s,;']+))", text)
        hints += [hint for hint in found if not hint.startswith("train=")]
    assert len(hints) > 40
    assert [hint for hint in hints if unknown(hint)] == []


@pytest.mark.parametrize(
    ("verb", "typed", "says"),
    [
        ("train", ["strategy=ddp"], "trainer.devices=2"),
        ("train", ["compile=true"], "speed.compile=true"),
        ("train", ["lr=0.1"], "model.optimizer.lr"),
        ("attack", ["attack=cw"], "attack.loss=margin"),
        ("train", ["steps=3", "trainer.max_steps=4"], "steps=3 and trainer.max_steps=4 set the same"),
    ],
)
def test_a_habit_without_one_meaning_is_answered(verb: str, typed: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        translated(verb, typed)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("verb", "typed", "meant"),
    [
        ("train", "gpus=2", ["trainer.accelerator=gpu", "trainer.devices=2"]),
        ("train", "ckpt_path=logs/train/a/checkpoints/last.ckpt", ["resume=logs/train/a"]),
        ("generate", "ckpt_path=logs/train/a/weights.safetensors", ["run=logs/train/a"]),
        ("generate", "class=cat", ["label=cat"]),
        ("attack", "attack.epsilon=0.2", ["epsilon=0.2"]),
        ("evaluate", "metric=fid", ["metric.names=[fd]", "metric/features=inception"]),
        ("evaluate", "metrics=[kid,fid]", ["metric.names=[kid,fd]", "metric/features=inception"]),
        ("evaluate", "metric=kid", ["metric.names=[kid]"]),
        ("study", "dataset=mnist", ["data=mnist"]),
    ],
)
def test_habits_with_a_value_to_work_out(verb: str, typed: str, meant: list[str]) -> None:
    assert translated(verb, [typed])[0] == meant


def test_settings_are_left_alone() -> None:
    typed = ["trainer.max_steps=3", "model=dcgan", "~debug", "data.classes=[0,1]", "name='a=~/b'", "metric=default"]
    for verb in VERBS:
        assert translated(verb, typed) == (typed, [])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("data.path=~/x", "data.path='{home}/x'"),
        ("data.path='~/x y'", "data.path='{home}/x y'"),
        ("data.path=[~/x, ~/y]", "data.path=['{home}/x', '{home}/y']"),
        ("paths.log_dir=~", "paths.log_dir='{home}'"),
        ("data.path=a~/x", "data.path=a~/x"),
        ("~logger", "~logger"),
    ],
)
def test_the_home_directory(typed: str, meant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert translated("train", [typed]) == ([meant.format(home=tmp_path)], [])


@pytest.mark.parametrize("verb", ["generate", "evaluate", "attack", "explain", "enhance", "export", "report"])
def test_debug_fast_is_read_by_every_verb_as_settings_that_it_has(verb: str) -> None:
    meant, notes = translated(verb, ["debug=fast"])
    check(verb, [*meant], config_dir=CONFIG_DIR, complete=False)
    assert notes[0].startswith("debug=fast ")
    for beside in ("images=x", "generator=x"):  # what cli/combined.py refuses beside them
        extra = [item.partition("=")[0] for item in translated(verb, ["debug=fast", beside])[0]]
        assert ("counterfactuals" in extra) == (verb == "explain" and beside == "generator=x")
        assert "pictured" not in extra or verb != "enhance" or beside != "images=x"
        assert "repeats" not in extra or beside != "images=x"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(file.stem for file in (CONFIG_DIR / "study").glob("*.yaml")))
def test_debug_fast_makes_every_study_small(name: str) -> None:
    meant, _ = translated("study", [f"study={name}", "debug=fast", "study.replicates=3"])
    assert meant[:1] == [f"study={name}"]
    assert "study.steps=2" in meant
    assert meant.count("study.replicates=3") == 1
    check("study", meant, config_dir=CONFIG_DIR)
    recipe, _ = translated("study", ["experiment/study=fashion_mnist_ssl", "debug=fast"])
    assert "study.replicates=2" in recipe
    assert "study.gan_steps=2" not in recipe  # ssl_labels has none
