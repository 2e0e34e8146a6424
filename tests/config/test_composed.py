"""Tests compose faster than the command line does, and get the same."""

from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal import defaults_list
from hydra.errors import HydraException

from tests.composed import HYDRAS_OWN_MAP, compose, composed
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


@pytest.mark.parametrize(
    "overrides", [[], ["model=stylegan2", "callback=[default,guard]"], ["experiment=cifar10_r3gan"]]
)
def test_spared_maps_of_choices_change_nothing(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with initialize_config_dir(str(CONF), version_base=None):
        ours = composed("train", *overrides)
        monkeypatch.setattr(defaults_list, "_create_interpolation_map", HYDRAS_OWN_MAP)
        assert composed("train", *overrides) == ours


def test_a_default_that_refers_to_a_choice_still_finds_it(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "main.yaml").write_text("defaults: [{part: a}, {other: 'of_${part}'}, _self_]\n")
    (tmp_path / "part" / "b.yaml").write_text("width: 8\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "of_b.yaml").write_text("depth: 2\n")
    with initialize_config_dir(str(tmp_path), version_base=None):
        assert hydra_compose("main", ["part=b"]) == {"part": {"width": 8}, "other": {"depth": 2}}


def test_the_copy_is_the_callers_own() -> None:
    compose("train", "seed=5").model.generator.width = 1
    assert compose("train").model.generator.width != 1


@pytest.mark.parametrize("wrong", ["sede=3", "model=no", "model.generator=conv=3"])
def test_what_cannot_be_composed_is_refused(wrong: str) -> None:
    with pytest.raises(HydraException):
        compose("train", wrong)
