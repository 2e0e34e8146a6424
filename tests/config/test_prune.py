"""A preset's settings for one part do not follow another part that takes its place."""

import pytest

from sparring.config.check import check
from sparring.config.compose import CONFIG_DIR, compose
from sparring.core.errors import ConfigError
from sparring.trained.runs import build_model

TINY = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "place", "gone"),
    [
        (["model=sngan", "model/discriminator=r3gan"], "discriminator", "spectral_norm"),
        (["model=dragan", "model/discriminator=mlp"], "discriminator", "batch_norm"),
        (["model=biggan", "model/conditioning=concat"], "conditioning", "shared_dim"),
        (["model=stylegan2", "model/regularizer=[wgan_gp,lecam]"], "regularizer", "r1"),
        (["model=dcgan", "optimizer@model.generator_optimizer=rmsprop"], "generator_optimizer", "betas"),
        (["experiment=cifar10_r3gan", "model/augment=diffaugment", "model/schedule=linear"], "augment", "initial"),
    ],
)
def test_another_choice_builds_and_keeps_its_own_settings(overrides: list[str], place: str, gone: str) -> None:
    with_it, without = (compose("train", [*TINY, *chosen]).model for chosen in (overrides[:1], overrides))
    assert gone in with_it[place]
    assert gone not in without[place]
    model = build_model(compose("train", [*TINY, *overrides]))
    assert len(model.configure_optimizers()) == 2


def test_what_a_preset_sets_for_its_own_parts_stays() -> None:
    model = compose("train", ["model=stylegan2"]).model
    assert model.regularizer.r1.interval == 16
    assert compose("train", ["model=sngan"]).model.discriminator.spectral_norm is True
    assert compose("train", ["model=biggan", "model/conditioning=cbn"]).model.conditioning.shared_dim == 128


def test_what_is_added_on_purpose_stays_and_is_refused_by_the_part_itself() -> None:
    config = compose("train", [*TINY, "+model.generator.wdith=3"])
    with pytest.raises(ConfigError, match="wdith"):
        build_model(config)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["model=sngan", "model/discriminator=r3gan", "model.discriminator.spectral_norm=true"], "spectral_norm"),
        (["model=stylegan2", "model/regularizer=[wgan_gp]", "model.regularizer.r1.gamma=1"], "r1.gamma"),
    ],
)
def test_a_setting_of_the_part_that_was_replaced_is_refused(overrides: list[str], key: str) -> None:
    with pytest.raises(ConfigError, match=f"there is no setting or group 'model.*{key}'"):
        check("train", overrides, config_dir=CONFIG_DIR)


def test_an_optimizer_that_cannot_be_made_is_refused_in_one_sentence() -> None:
    model = build_model(compose("train", [*TINY, "model.generator_optimizer.lr=-1"]))
    with pytest.raises(ConfigError, match="optimizer of the generator cannot be made: Invalid learning rate"):
        model.configure_optimizers()
