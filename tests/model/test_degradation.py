"""Degradations: size, levels, range, and draws that belong to one image."""

import pytest
import torch

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise, to_uint8
from sparring.model.degradation.base import Degradation
from sparring.model.degradation.blur import gaussian_blur
from sparring.model.degradation.downsample import Downsample
from sparring.model.degradation.noise import Noise
from tests.conftest import compose
from tests.leaves import leaves

LEAVES = leaves("model/degradation")


def made(leaf: str, *overrides: str) -> Degradation:
    config = compose("model=restorer", f"model/degradation={leaf}", *overrides)
    found: Degradation = build(config.model.degradation, section="model")
    return found


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_degraded_by_itself(leaf: str, channels: int) -> None:
    torch.manual_seed(0)
    way, image, index = made(leaf), torch.rand(6, channels, 16, 16) * 2 - 1, torch.arange(6)
    bad = way(image, seed=0, index=index)
    side = 16 // way.factor
    assert bad.shape == (6, channels, side, side)
    torch.testing.assert_close(bad, normalise(to_uint8(bad)))  # as a file would hold it
    torch.testing.assert_close(way(image[2:4], seed=0, index=index[2:4]), bad[2:4])
    assert not torch.equal(bad, image) or way.factor > 1


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_degradation_can_reduce_too(leaf: str) -> None:
    way = made(leaf, "model.degradation.factor=2")
    assert way(torch.zeros(2, 1, 8, 8), seed=0, index=torch.arange(2)).shape == (2, 1, 4, 4)
    with pytest.raises(ConfigError, match=r"factor=2 does not divide data.image_size=9"):
        way.check(9)


def test_strengths_are_as_stated() -> None:
    grey, index = torch.zeros(64, 1, 16, 16), torch.arange(64)
    assert float(Noise(factor=1, std=0.1)(grey, seed=0, index=index).std()) == pytest.approx(0.2, rel=0.03)
    assert float(Downsample(factor=2, noise=0.1)(grey, seed=0, index=index).std()) == pytest.approx(0.2, rel=0.03)
    assert float(Downsample(factor=2, noise=0.0)(grey, seed=0, index=index).abs().max()) < 0.01


def test_a_blurred_point_is_the_gaussian() -> None:
    point = torch.zeros(1, 1, 15, 15)
    point[0, 0, 7, 7] = 1
    blurred = gaussian_blur(point, 1.0)[0, 0]
    axis = torch.exp(-(torch.arange(15) - 7.0).square() / 2)
    expected = axis[:, None] * axis / axis.sum().square()
    torch.testing.assert_close(blurred[5:10, 5:10], expected[5:10, 5:10], atol=1e-3, rtol=1e-2)
    torch.testing.assert_close(gaussian_blur(torch.full((1, 2, 8, 8), 0.3), 2.0), torch.full((1, 2, 8, 8), 0.3))


@pytest.mark.parametrize(
    "setting",
    [
        "downsample.factor=0",
        "downsample.noise=2",
        "noise.std=-1",
        "blur.sigma=0",
        "jpeg.quality=0",
        "mix.ways.blur.factor=2",
    ],
)
def test_settings_out_of_range_are_refused(setting: str) -> None:
    leaf, _, value = setting.partition(".")
    with pytest.raises(ConfigError, match=r"model\.degradation\."):
        made(leaf, f"model.degradation.{value}")
