"""Settings of the hardware: what they set, by which rule, and that a memory format changes no value."""

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.model.gan import GAN
from sparring.training.speed import SpeedSettings, maps_outweigh_weights
from tests.conftest import compose
from tests.model.alone import alone, weights

CPU = torch.device("cpu")


def speed(*overrides: str) -> SpeedSettings:
    return SpeedSettings.of(compose(*overrides).speed)


def gan(*overrides: str) -> GAN:
    model, _ = alone(*overrides)
    assert isinstance(model, GAN)
    return model


def test_the_presets() -> None:
    off = {"cuda_graphs": False, "compile": False, "tf32": False, "benchmark": False, "bf16": False}
    assert speed() == SpeedSettings(channels_last="auto", **off)
    fast = {"compile": "auto", "tf32": True, "benchmark": True, "bf16": True}
    assert speed("speed=fast") == SpeedSettings(channels_last="auto", **(off | fast))
    assert speed("speed=fast").precision("32-true") == "32-true"  # no GPU here
    with pytest.raises(ConfigError, match=r"speed.channels_last=yes_please must be auto"):
        speed("speed.channels_last=yes_please")


def test_maps_are_counted_for_the_batch() -> None:
    """G and D have 8 x 8 and 16 x 16 maps, so that a large batch outweighs their weights and one image does not."""
    model = gan("model=rpgan", "data=digits")
    assert maps_outweigh_weights(model, (1, 16, 16), rows=64)
    assert not maps_outweigh_weights(model, (1, 16, 16), rows=1)


@pytest.mark.parametrize(("given", "last"), [("true", True), ("false", False), ("auto", True)])
def test_networks_are_brought_into_the_format(given: str, last: bool) -> None:
    model = gan("model=rpgan", "data=digits")
    speed(f"speed.channels_last={given}").apply(model, CPU, image=(1, 16, 16), rows=64)
    weight = model.discriminator.get_parameter("blocks.2.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last) == last


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["rpgan", "sngan", "stylegan2"])
def test_the_format_changes_no_value(preset: str) -> None:
    results = []
    for given in ("true", "false"):
        tiny = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4"]
        model, batches = alone(f"model={preset}", *tiny, dtype=torch.float64)
        speed(f"speed.channels_last={given}").apply(model, CPU, image=(1, 8, 8), rows=8)
        for number in range(2):
            model.training_step(batches[number], number)
        results.append(weights(model))
    for name, value in results[0].items():
        torch.testing.assert_close(value, results[1][name], rtol=1e-7, atol=1e-8)
