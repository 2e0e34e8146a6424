"""Tests compose faster than the command line does, and get the same."""

from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal import defaults_list
from hydra.errors import HydraException
from omegaconf import OmegaConf

from sparring.config.compose import hydra_at
from tests import composed as memory
from tests.composed import HYDRAS_OWN_MAP, SPARRINGS_OWN, compose, composed
from tests.conftest import CONF

TINY = ["data.image_size=8", "model.generator.width=4", "name=a"]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "overrides"),
    [
        ("train", []),
        ("train", ["seed=3", "model=sngan", "+x=1", "model.generator.width=4", "hydra.run.dir=/a", "model/loss=hinge"]),
        ("train", ["~model.generator_optimizer.betas", "optimizer@model.generator_optimizer=sgd", "seed=4"]),
        ("train", ["callback={}", "~experiment", "logger=[csv,wandb]", "debug=fast"]),
        ("study", ["study=cas", "data.image_size=8", 'train=["trainer=cpu"]', "paths.cache_dir=/x"]),
        ("evaluate", ["run=null", "metric.names=[fd]"]),
    ],
)
def test_what_starts_from_remembered_choices_is_the_whole_composition(
    verb: str, overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with hydra_at(CONF, verb):
        expected = SPARRINGS_OWN(verb, overrides)
        for again in (False, True):
            if again:
                monkeypatch.delattr(memory.sparring_compose, "hydra_compose")  # nothing is composed
            found = memory.sparring_compose.as_hydra_composes(verb, overrides)
            assert OmegaConf.to_container(found) == OmegaConf.to_container(expected)
            assert found._get_flag("struct")
            found.seed = 7  # the caller's own


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [["sede=3"], ["model=no"], ["model.generator=conv=3"], ["seed=1,2"], ["+seed=1"]])
def test_what_cannot_be_composed_raises_what_it_does_without_memory(wrong: list[str]) -> None:
    with hydra_at(CONF, "train"):
        says = []
        for composes in (SPARRINGS_OWN, memory.sparring_compose.as_hydra_composes):
            with pytest.raises(HydraException) as caught:
                composes("train", wrong)
            says.append(str(caught.value))
    assert says[0] == says[1]


def test_other_configurations_than_conf_are_not_remembered(tmp_path: Path) -> None:
    for value in (1, 2):
        (tmp_path / "train.yaml").write_text(f"seed: {value}\nname: mine\n")
        with hydra_at(tmp_path, "train"):
            assert memory.sparring_compose.as_hydra_composes("train", ["name=b"]).seed == value


def test_the_copy_is_the_callers_own() -> None:
    compose("train", "seed=5").model.generator.width = 1
    assert compose("train").model.generator.width != 1


@pytest.mark.parametrize("wrong", ["sede=3", "model=no", "model.generator=conv=3"])
def test_what_cannot_be_composed_is_refused(wrong: str) -> None:
    with pytest.raises(HydraException):
        compose("train", wrong)
