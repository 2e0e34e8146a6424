"""When sample grids are drawn, and of what."""

import pytest
import torch

from sparring.callback.samples import SampleGrids
from sparring.core.errors import ConfigError
from sparring.model.gan import GAN
from sparring.trained.runs import build_model
from tests.conftest import TINY, compose


def samples(**settings: float) -> SampleGrids:
    return SampleGrids(**{"columns": 3, "rows": 4, "first": 50, "growth": 1.5, "run_dir": "unused", **settings})  # type: ignore[arg-type]


def test_interval_grows_and_depends_on_the_clock_alone() -> None:
    assert [step for step in range(600) if samples().due(step)] == [0, 50, 75, 112, 169, 253, 380, 570]


def test_an_interval_that_does_not_grow_is_refused() -> None:
    with pytest.raises(ConfigError, match="growth > 1"):
        samples(growth=1.0)


def test_one_row_per_class_from_the_averaged_generator_with_fixed_latents() -> None:
    model = build_model(compose(*TINY))
    assert isinstance(model, GAN)
    images = samples().images(model, rows=4, columns=3)
    assert images.shape == (12, 1, 8, 8)
    torch.testing.assert_close(samples().images(model, rows=4, columns=3), images)
    model.ema.to_image.bias.data += 1.0  # type: ignore[operator, union-attr]
    assert (samples().images(model, rows=4, columns=3) > images).all()
