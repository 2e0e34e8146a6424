"""Tests compose faster than the command line does, and get the same."""

import pytest
from hydra import initialize_config_dir
from hydra.errors import HydraException

from tests.composed import compose, composed
from tests.conftest import CONF

TINY = ["data.image_size=8", "model.generator.width=4", "name=a"]


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["model=sngan", *TINY, "model/discriminator=r3gan"],
        [
            "model=stylegan2",
            "seed=3",
            "model/regularizer=[wgan_gp,lecam]",
            "+model.regularizer.wgan_gp.extra=[1,{a: 2}]",
        ],
        [
            "~model.generator_optimizer.betas",
            "optimizer@model.generator_optimizer=sgd",
            "model.generator_optimizer.lr=1",
        ],
        ["experiment=cifar10_r3gan", "debug=fast", "++data.image_size=16", "callback={}", "paths.run_dir='/a b'"],
        ["model=stylegan2", "model/regularizer=[wgan_gp]", "model.regularizer.r1.interval=8"],
        ["~experiment", "hydra.searchpath=[]", "model=classifier", "model/transform=[flip]"],
    ],
)
def test_choices_first_and_values_later_are_the_whole_command(overrides: list[str]) -> None:
    with initialize_config_dir(str(CONF), version_base=None):
        expected = composed("train", *overrides)
    assert compose("train", *overrides) == expected == compose("train", *overrides)
    assert compose("train", *overrides)._get_flag("struct")


def test_the_copy_is_the_callers_own() -> None:
    compose("train", "seed=5").model.generator.width = 1
    assert compose("train").model.generator.width != 1


@pytest.mark.parametrize("wrong", ["sede=3", "model=no", "model.generator=conv=3"])
def test_what_cannot_be_composed_is_refused(wrong: str) -> None:
    with pytest.raises(HydraException):
        compose("train", wrong)
