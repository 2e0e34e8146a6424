"""Solvers against a flow whose solution is known: all data normal with mean m and deviation s."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from sparring.config.build import build
from sparring.core.errors import ConfigError
from tests.conftest import compose

MEAN, DEVIATION = 0.4, 0.3


def normal_field(image: Tensor, time: Tensor) -> Tensor:
    """The expectation of (data - noise) at a point of the straight way from N(0, 1) to N(m, s^2)."""
    variance = (1 - time) ** 2 + (time * DEVIATION) ** 2
    slope = (time * DEVIATION**2 - (1 - time)) / variance
    return MEAN + slope * (image - time * MEAN)


def error(solver: str, steps: int) -> float:
    built = build(
        compose("model=flow", f"model/solver={solver}", f"model.solver.steps={steps}").model.solver, section="model"
    )
    start = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    return float((built(normal_field, start) - (MEAN + DEVIATION * start)).abs().max())


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_noise_arrives_at_its_quantile_and_the_error_falls_with_the_order(solver: str, order: int) -> None:
    errors = [error(solver, steps) for steps in (32, 64, 128)]
    assert errors[-1] < {1: 0.02, 2: 5e-4}[order]
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(2**order, rel=0.2)


@pytest.mark.parametrize("solver", ["euler", "heun"])
def test_a_straight_field_needs_one_step(solver: str) -> None:
    built = build(compose("model=flow", f"model/solver={solver}", "model.solver.steps=1").model.solver, section="model")
    start = torch.zeros(3, 1)
    assert torch.equal(built(lambda image, time: torch.full_like(image, 0.5), start), torch.full((3, 1), 0.5))


def test_no_steps_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model.solver.steps=0 must be at least 1"):
        build(compose("model=flow", "model.solver.steps=0").model.solver, section="model")
