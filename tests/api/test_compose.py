"""Configurations from Python are those of the command line."""

import subprocess
import sys

import pytest
import yaml
from omegaconf import OmegaConf

import sparring
from tests.conftest import ROOT


@pytest.mark.slow
def test_a_configuration_is_what_the_command_composes() -> None:
    overrides = ["model=dcgan", "trainer.max_steps=7", "name=same"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "--cfg", "job", "--resolve", *overrides],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours, theirs = OmegaConf.to_container(sparring.compose("train", *overrides)), yaml.safe_load(done.stdout)
    assert isinstance(ours, dict)
    for each in (ours, theirs):  # a command that only shows its settings has no run directory
        del each["paths"], each["logger"], each["callback"]
    assert ours == theirs


def test_overrides_come_one_by_one_or_as_lists() -> None:
    one = sparring.compose("train", "seed=3", "data.image_size=8")
    other = sparring.compose("train", ["seed=3", "data.image_size=8"])
    assert one.seed == other.seed == 3
    assert one.model.generator.image_size == other.model.generator.image_size == 8


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sparring.compose("trian"), r"there is no verb 'trian', did you mean train\?"),
        (lambda: sparring.compose("train", "model=dcgna"), "model has no choice 'dcgna', did you mean dcgan"),
        (lambda: sparring.compose("train", "seed"), "'seed' is no override: write key=value"),
        (lambda: sparring.compose("train", 3), "3 is no override: give text such as 'seed=2'"),
        (lambda: sparring.compose("train", "trainer.max_steps=many"), "takes a whole number such as 1000, not 'many'"),
    ],
)
def test_what_does_not_compose_is_refused(call: object, sentence: str) -> None:
    with pytest.raises(sparring.ConfigError, match=sentence):
        call()  # type: ignore[operator]
