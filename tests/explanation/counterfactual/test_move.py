"""The smallest move: closed form of a linear classifier, and the boundary of a curved one."""

import torch

from sparring.explanation.counterfactual.move import OVERSHOOT, margin_of, smallest_move


def test_a_linear_classifier_gives_the_closed_form() -> None:
    torch.manual_seed(0)
    weight, bias, code = torch.randn(2, 6), torch.randn(2), torch.randn(5, 6)
    target = torch.tensor([0, 1, 0, 1, 1])

    def logits(code: torch.Tensor) -> torch.Tensor:
        return code @ weight.T + bias

    slope = torch.where(target[:, None] == 0, weight[0] - weight[1], weight[1] - weight[0])
    margin = margin_of(logits, code, target)
    expected = -slope * ((margin / slope.square().sum(1)).clamp(max=0))[:, None]
    found = smallest_move(logits, code, target, steps=5)
    torch.testing.assert_close(found, expected, atol=2 * OVERSHOOT, rtol=0)
    inside = margin > 0
    assert found[inside].abs().max() < 1e-3 if bool(inside.any()) else True
    assert bool((margin_of(logits, code + found, target) > 0).all())


def test_a_curved_boundary_is_met_at_its_nearest_point() -> None:
    """Class 1 is the outside of a circle of radius 2: the nearest point is straight outwards."""
    code = torch.tensor([[0.5, 0.0], [0.0, -1.0]])

    def logits(code: torch.Tensor) -> torch.Tensor:
        outside = code.square().sum(1) - 4
        return torch.stack([-outside, outside], 1)

    found = smallest_move(logits, code, torch.ones(2, dtype=torch.int64), steps=30)
    torch.testing.assert_close(code + found, torch.tensor([[2.0, 0.0], [0.0, -2.0]]), atol=5e-3, rtol=0)


def test_what_cannot_be_reached_is_not_claimed() -> None:
    def logits(code: torch.Tensor) -> torch.Tensor:
        return torch.stack([code[:, 0] * 0 + 1, code[:, 0].tanh() * 0.5], 1)

    target, code = torch.ones(1, dtype=torch.int64), torch.zeros(1, 2)
    found = smallest_move(logits, code, target, steps=5)
    assert margin_of(logits, code + found, target).item() < 0
