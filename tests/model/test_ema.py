"""The averaged generator against its recurrence."""

import pytest
import torch
from torch import nn

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.model.ema import EMA
from tests.conftest import compose


def test_recurrence_and_half_life() -> None:
    ema, network = EMA(half_life=100, ramp_up=None), nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = EMA.copy_of(network)
    nn.init.ones_(network.weight)
    for _ in range(4):
        ema.update(average, network, images=25, images_seen=10**6)
    assert average.weight.item() == pytest.approx(0.5)


def test_ramp_up_limits_the_half_life_to_a_share_of_what_was_seen() -> None:
    ema = EMA(half_life=1000, ramp_up=0.05)
    assert ema.decay(images=64, images_seen=0) == 0.0
    assert ema.decay(images=64, images_seen=1280) == pytest.approx(0.5)
    assert ema.decay(images=1000, images_seen=10**9) == pytest.approx(0.5)


def test_before_its_start_the_average_is_a_copy() -> None:
    ema = EMA(half_life=1000, ramp_up=None, start=640)
    assert ema.decay(images=64, images_seen=576) == 0.0
    assert ema.decay(images=1000, images_seen=640) == pytest.approx(0.5)


@pytest.mark.parametrize("preset", ["biggan", "contragan", "reacgan"])
def test_published_decays_are_reached(preset: str) -> None:
    """0.9999 per iteration from iteration 1000 on."""
    config = compose(f"experiment=cifar10_{preset}")
    ema, images = build(config.model.ema, section="model"), config.data.batch_size * config.model.d_steps
    decays = [ema.decay(images=images, images_seen=iteration * images) for iteration in (999, 1000, 99999)]
    assert decays == pytest.approx([0.0, 0.9999, 0.9999], abs=2e-6)


def test_batch_norm_statistics_are_copied_and_the_copy_is_frozen() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = EMA.copy_of(network)
    network(torch.randn(16, 2) + 3)
    EMA(half_life=100, ramp_up=None).update(average, network, images=16, images_seen=0)
    torch.testing.assert_close(average[1].running_mean, network[1].running_mean)
    assert not average.training
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"half_life=0"):
        EMA(half_life=0, ramp_up=None)
