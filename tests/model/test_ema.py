"""The averaged generator against its recurrence."""

import pytest
import torch
from torch import nn

from sparring.errors import ConfigError
from sparring.model.ema import EMA


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


def test_batch_norm_statistics_are_copied_and_the_copy_is_frozen() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = EMA.copy_of(network)
    network(torch.randn(16, 2) + 3)
    EMA(half_life=100, ramp_up=None).update(average, network, images=16, images_seen=0)
    torch.testing.assert_close(average[1].running_mean, network[1].running_mean)
    assert not average.training
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model.ema has half_life=0"):
        EMA(half_life=0, ramp_up=None)
