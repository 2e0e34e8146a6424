"""Tiles join to the whole image; grey, colour and alpha."""

import numpy as np
import pytest
import torch
from torch import nn

from sparring.core.errors import DataError
from sparring.enhancement.tiles import enhanced_pixels, in_tiles
from sparring.model.enhancer.srresnet import SRResNet

CPU = torch.device("cpu")


def network(channels: int = 1) -> SRResNet:
    torch.manual_seed(0)
    made = SRResNet(channels=channels, factor=2, width=4, blocks=1)
    nn.init.normal_(made.last.weight, std=0.1)
    return made.eval().requires_grad_(False)


@pytest.mark.parametrize("size", [(50, 37), (16, 16), (3, 40)])
def test_tiles_join_to_the_whole(size: tuple[int, int]) -> None:
    image = torch.rand(1, 1, *size) * 2 - 1
    torch.testing.assert_close(in_tiles(network(), image, tile=16), network()(image), atol=1e-5, rtol=0)


@pytest.mark.parametrize("trained", [1, 3])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_kind_of_file_keeps_its_channels(trained: int, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, channels), dtype=np.uint8)
    if channels in (2, 4):
        pixels[..., -1] = 200
    made = enhanced_pixels(network(trained), pixels, channels=trained, tile=64, device=CPU)
    assert (made.shape, made.dtype) == ((12, 10, channels), np.uint8)
    if channels in (2, 4):
        assert set(made[..., -1].flatten().tolist()) == {200}


def test_a_grey_network_sees_each_colour_alone() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (6, 5, 1), dtype=np.uint8)
    colour = np.concatenate([grey, np.zeros_like(grey), grey], 2)
    made = enhanced_pixels(network(), colour, channels=1, tile=64, device=CPU)
    alone = enhanced_pixels(network(), grey, channels=1, tile=64, device=CPU)
    np.testing.assert_array_equal(made[..., 0], alone[..., 0])
    np.testing.assert_array_equal(made[..., 2], alone[..., 0])


def test_a_network_of_other_channels_is_refused() -> None:
    with pytest.raises(DataError, match="images of 4 channels"):
        enhanced_pixels(network(4), np.zeros((4, 4, 3), np.uint8), channels=4, tile=8, device=CPU)
