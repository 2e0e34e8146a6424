"""The U-Net: shapes from 8 to 64 pixels, what enters it, and where training begins."""

import pytest
import torch

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.model.velocity.unet import UNet
from tests.conftest import compose


def unet(*overrides: str) -> UNet:
    built = build(compose("model=flow", "model.velocity.width=8", *overrides).model.velocity, section="model")
    assert isinstance(built, UNet)
    return built


@pytest.mark.parametrize(
    ("size", "channels", "patch"), [(8, 1, 1), (16, 3, 1), (28, 1, 2), (32, 3, 2), (48, 3, 4), (64, 4, 4)]
)
def test_velocities_have_the_shape_of_the_image_and_are_zero_at_the_start(size: int, channels: int, patch: int) -> None:
    network = unet(f"data.image_size={size}", f"data.channels={channels}")
    assert network.patch == patch
    image = torch.randn(2, channels, size, size)
    velocity = network(image, torch.tensor([0.0, 1.0]), torch.tensor([3, 10]))
    assert velocity.shape == image.shape
    assert not velocity.any()


def test_image_time_and_label_all_enter() -> None:
    network = unet("data.image_size=8")
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    image, time, label = torch.randn(1, 1, 8, 8), torch.tensor([0.3]), torch.tensor([1])
    velocity = network(image, time, label)
    for changed in ((image.flip(3), time, label), (image, time + 0.1, label), (image, time, label + 1)):
        assert not torch.allclose(network(*changed), velocity, atol=1e-4)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [("width=12", "multiple of 8"), ("depth=0", "at least 1 block"), ("patch=3", "must divide the 8 pixels")],
)
def test_sizes_that_cannot_be_are_refused(override: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        unet("data.image_size=8", f"model.velocity.{override}")
