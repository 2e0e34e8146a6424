"""Boundaries recover a planted direction; conditional ones leave the others alone."""

import pytest
import torch

from sparring.direction.math.boundary import separating, without


def test_a_planted_direction_is_recovered() -> None:
    torch.manual_seed(0)
    planted = torch.randn(8, dtype=torch.float64)
    planted /= planted.norm()
    code = torch.randn(8000, 8)
    found = separating(code, (code.double() @ planted).float(), share=0.02, seed=0)
    assert float(found.normal @ planted) > 0.99
    assert found.held_out == 1
    assert found.rest > 0.93


def test_without_a_planted_direction_it_is_chance() -> None:
    torch.manual_seed(0)
    found = separating(torch.randn(2000, 8), torch.randn(2000), share=0.05, seed=0)
    assert found.rest == pytest.approx(0.5, abs=0.06)


def test_a_conditional_direction_is_orthogonal_to_the_others() -> None:
    torch.manual_seed(0)
    others, direction = torch.randn(3, 8), torch.randn(8)
    left = without(direction, others)
    torch.testing.assert_close(others.double() @ left, torch.zeros(3, dtype=torch.float64), atol=1e-6, rtol=0)
    assert float(left.norm()) == pytest.approx(1)
    one = torch.nn.functional.normalize(others[0].double(), dim=0)
    direction = torch.nn.functional.normalize(direction.double(), dim=0)
    expected = direction - (direction @ one) * one  # p - (p . c) c of the paper
    torch.testing.assert_close(without(direction, one[None]), expected / expected.norm())
    torch.testing.assert_close(without(direction, others[:0]), direction)
