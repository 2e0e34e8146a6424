"""Balls: exact distances, exact ranges, exact inputs."""

import pytest
import torch
from torch import Tensor

from sparring.attack.math.norm_ball import ball
from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text, pixel_fraction
from tests.attack.conftest import pgd


@pytest.mark.parametrize(
    ("given", "value"), [("8/255", 8 / 255), ("8 / 255", 8 / 255), ("0.1", 0.1), (0.3, 0.3), (1, 1.0)]
)
def test_epsilons_are_fractions_of_the_pixel_range(given: float | str, value: float) -> None:
    assert pixel_fraction(given) == value


@pytest.mark.parametrize("given", [0, 0.0, -0.1, 1.01, 8, "8", "8/0", "a lot", True, None, float("nan"), "256/255"])
def test_what_is_no_epsilon_is_refused_in_one_sentence(given: object) -> None:
    with pytest.raises(ConfigError, match=r"^epsilon=.* is no fraction of the pixel range: give a number .*\.$"):
        pixel_fraction(given)  # type: ignore[arg-type]


def test_epsilons_are_shown_in_both_units() -> None:
    assert [epsilon_text(value) for value in (8 / 255, 0.1, 1.0)] == [
        "8/255 (0.03137)",
        "25.5/255 (0.1)",
        "255/255 (1)",
    ]


def images(count: int = 64, size: int = 8) -> Tensor:
    image = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    image[0], image[1] = -1, 1
    return image


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("epsilon", [1e-6, 1 / 255, 8 / 255, 0.1, 0.3, 1.0])
def test_inside_points_are_inside_to_the_last_bit_and_stay_where_they_are(norm: str, epsilon: float) -> None:
    image = images()
    allowed = ball(norm, image, epsilon)  # type: ignore[arg-type]
    far = image + 5 * torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    far[2, 0, 0, 0] = float("nan")
    inside = allowed.project_exactly(far)
    change = (inside.double() - image.double()).flatten(1)
    distance = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    assert (distance <= 2 * epsilon).all()
    assert inside.abs().max() <= 1
    assert torch.equal(allowed.project_exactly(inside), inside)
    # and the ball is used up: only the pixel range may keep a point further inside
    free = (
        (image.flatten(1).abs() < 0.99 - 2 * epsilon).all(1)
        if epsilon < 0.01
        else torch.zeros(len(image), dtype=torch.bool)
    )
    assert (distance[free] > 2 * epsilon * (1 - 1e-3) - 1e-7).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_starts_are_uniform_in_the_ball(norm: str) -> None:
    """Moments in closed form: E x^2 = r^2 / 3 per pixel, and E ||x||^2 = r^2 d / (d + 2)."""
    image = torch.zeros(4000, 1, 2, 2)
    start = ball(norm, image, 0.1).start("test", index=torch.arange(4000))  # type: ignore[arg-type]
    square = (start / 0.2).square().flatten(1).sum(1).mean()
    assert square == pytest.approx(4 / 3 if norm == "linf" else 4 / 6, rel=0.03)
    assert start.mean().abs() < 0.005


def test_l2_steps_have_length_one_also_where_squares_vanish() -> None:
    gradient = torch.full((3, 1, 2, 2), 1e-30)
    gradient[1] = 0
    gradient[2, 0, 0, 0] = float("nan")
    step = ball("l2", torch.zeros(3, 1, 2, 2), 0.1).steepest(gradient)
    assert step.flatten(1).norm(dim=1).tolist() == pytest.approx([1, 0, 1])


def test_an_unknown_norm_is_refused() -> None:
    with pytest.raises(ConfigError, match="norm=l1 is unknown; give linf or l2"):
        pgd(norm="l1")
