"""Augmentations against what they say they do, and ADA's p against its recurrence."""

from math import cos, pi, sin

import pytest
import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.augment.ada import ADA
from sparring.model.augment.apa import APA
from sparring.model.augment.diffaugment import DiffAugment, colour, shifts
from sparring.model.augment.math.affine import blits, geometry, resample, rotation, scaling, translation
from sparring.model.augment.math.colour import flip_luma, recolour, saturate, turn_hue
from sparring.model.augment.math.pixels import cut_out, translate
from tests.model.views import Seeded

ZERO, ONE = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)


def images(count: int = 4, channels: int = 3, side: int = 8) -> Tensor:
    draws = torch.Generator().manual_seed(0)
    return torch.rand(count, channels, side, side, dtype=torch.float64, generator=draws) * 2 - 1


def ada(**changes) -> ADA:
    settings = {"blit": 1.0, "geometric": 1.0, "colour": 1.0, "cutout": 0.0, "initial": 0.0, "target": 0.6, "interval": 4,
                "images": 1000}  # fmt: skip
    return ADA(**(settings | changes)).double()


# -- DiffAugment ---------------------------------------------------------------------------------------------------------


def test_colour_by_hand() -> None:
    image, uniform = images(1), torch.tensor([[0.75, 0.25, 0.8]], dtype=torch.float64)
    bright = image + 0.25
    grey = bright.mean(dim=1, keepdim=True)
    saturated = grey + (bright - grey) * 0.5
    expected = saturated.mean() + (saturated - saturated.mean()) * 1.3
    torch.testing.assert_close(colour(image, uniform), expected)


def test_translation_moves_whole_pixels_and_brings_in_zeros() -> None:
    image = images(2)
    moved = translate(image, torch.tensor([[2, -1], [0, 0]]))
    expected = torch.zeros_like(image[0])
    expected[:, 2:, :-1] = image[0, :, :-2, 1:]
    torch.testing.assert_close(moved, torch.stack([expected, image[1]]))
    drawn = shifts(torch.linspace(0, 0.999, 10_000)[:, None].expand(-1, 2), 2)
    assert sorted(set(drawn.flatten().tolist())) == [-2, -1, 0, 1, 2]


def test_cutout_zeroes_a_square_that_may_hang_over_the_edge() -> None:
    image = images(300) + 2  # no zeros of its own
    uniform = Seeded(300).uniform("cutout", 2)
    cut = cut_out(image, uniform, 4)
    for row in range(300):
        top, left = ((uniform[row] * 9).long() - 2).tolist()
        expected = image[row].clone()
        expected[:, max(top, 0) : top + 4, max(left, 0) : left + 4] = 0
        torch.testing.assert_close(cut[row], expected)


def test_diffaugment_is_differentiable_and_draws_per_image() -> None:
    augment = DiffAugment(policies=["colour", "translation", "cutout"], shift=0.125, hole=0.5)
    image = images(1).expand(6, -1, -1, -1).clone().requires_grad_()
    augmented = augment(image, Seeded(6))
    assert not torch.equal(augmented[0], augmented[1])
    torch.testing.assert_close(augmented, augment(image, Seeded(6)))
    augmented.square().sum().backward()
    assert image.grad.isfinite().all()
    assert image.grad.any()
    with pytest.raises(ConfigError, match="policies has blur"):
        DiffAugment(policies=["blur"], shift=0.1, hole=0.5)


# -- ADA -----------------------------------------------------------------------------------------------------------------


def test_matrices_turn_shift_and_scale_as_they_say() -> None:
    image = images(1)
    quarter = resample(image, rotation(torch.tensor([pi / 2], dtype=torch.float64)))
    torch.testing.assert_close(quarter, image.rot90(1, dims=(2, 3)))
    mirrored = resample(image, scaling(-ONE[None], ONE[None]))
    torch.testing.assert_close(mirrored, image.flip(3))
    moved = resample(
        image, translation(2 / 8 * ONE[None], ZERO[None])
    )  # one pixel of eight; the source is to the right
    torch.testing.assert_close(moved[..., :-1], image[..., 1:])
    torch.testing.assert_close(moved[..., -1], image[..., -1])  # reflected at the edge
    point = rotation(torch.tensor([0.3], dtype=torch.float64))[0] @ torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(point, torch.tensor([cos(0.3), sin(0.3), 1.0], dtype=torch.float64))


def test_blits_only_move_pixels() -> None:
    image = images(64, channels=1)
    augmented = resample(image, blits(image, ONE, Seeded(64)))
    for before, after in zip(image, augmented, strict=True):
        values = before.flatten()
        nearest = (after.flatten()[:, None] - values[None]).abs().amin(dim=1)
        assert nearest.max() < 1e-9
    assert sum(torch.allclose(a, b) for a, b in zip(image, augmented, strict=True)) < 8


def test_geometry_is_the_identity_at_p_zero_and_scales_as_the_paper_says() -> None:
    image, many = images(4), images(1, 1, 8).expand(20_000, 1, 8, 8)
    identity = torch.eye(3, dtype=torch.float64).expand(4, 3, 3)
    torch.testing.assert_close(geometry(image, ZERO, Seeded(4)), identity)
    torch.testing.assert_close(blits(image, ZERO, Seeded(4)), identity)
    matrix = geometry(many, ONE, Seeded(20_000))
    # The determinant is that of the isotropic scale squared: log2 of it is normal with standard deviation 0.4.
    determinant = torch.linalg.det(matrix[:, :2, :2]).log2()
    assert determinant.mean().item() == pytest.approx(0.0, abs=0.01)
    assert determinant.std().item() == pytest.approx(0.4, rel=0.02)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_transformations_are_applied_with_probability_p(p: float) -> None:
    many = images(1, 1, 8).expand(20_000, 1, 8, 8)
    probability = torch.tensor(p, dtype=torch.float64)
    matrix = geometry(many, probability, Seeded(20_000))
    assert (matrix[:, :2, 2] != 0).any(dim=1).double().mean().item() == pytest.approx(p, abs=0.015)
    linear = (matrix[:, :2, :2] - torch.eye(2, dtype=torch.float64)).abs().amax(dim=(1, 2)) > 1e-12
    # scale, stretch, and at least one of two rotations that come with 1 - sqrt(1 - p) each: (1 - p)^3 are left alone
    assert linear.double().mean().item() == pytest.approx(1 - (1 - p) ** 3, abs=0.015)
    mirrored = torch.linalg.det(blits(many, probability, Seeded(20_000))[:, :2, :2]) < 0
    assert mirrored.double().mean().item() == pytest.approx(p / 2, abs=0.015)


def test_colour_matrices_in_closed_form() -> None:
    grey, red = torch.ones(3, dtype=torch.float64), torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(flip_luma(ONE[None])[0] @ grey, -grey)
    torch.testing.assert_close(flip_luma(ZERO[None])[0] @ red, red)
    third = torch.tensor([2 * pi / 3], dtype=torch.float64)
    torch.testing.assert_close(
        turn_hue(third)[0] @ red, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    )  # red -> green
    torch.testing.assert_close(turn_hue(third)[0] @ grey, grey)
    torch.testing.assert_close(saturate(ZERO[None])[0] @ red, grey / 3)
    torch.testing.assert_close(saturate(2 * ONE[None])[0] @ red, grey / 3 + 2 * (red - grey / 3))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_ada_changes_nothing_at_p_zero_and_every_channel_count_at_p_one(channels: int) -> None:
    image = images(4, channels)
    torch.testing.assert_close(ada()(image, Seeded(4)), image)
    torch.testing.assert_close(recolour(image, ZERO, Seeded(4)), image)
    leaf = image.clone().requires_grad_()
    augmented = ada(initial=1.0, cutout=1.0)(leaf, Seeded(4))
    assert augmented.shape == image.shape
    assert not any(torch.allclose(a, b) for a, b in zip(augmented, image, strict=True))
    augmented.square().sum().backward()
    assert leaf.grad.isfinite().all()


def test_p_follows_its_recurrence_in_both_directions_and_survives_a_checkpoint() -> None:
    adaptive, p, signs = ada(interval=2, images=40), 0.0, []
    draws = torch.Generator().manual_seed(1)
    for step in range(40):
        centre = 2.0 if step < 20 else -2.0
        logits = torch.randn(8, generator=draws, dtype=torch.float64) + centre
        for part in (logits[::2], logits[1::2]):  # accumulation
            adaptive.observe(part)
        adaptive.after_step(images=8)
        signs.append(logits.sign().mean().item())
        if len(signs) == 2:
            r = sum(signs) / 2
            p = min(max(p + (1 if r > 0.6 else -1) * 16 / 40, 0.0), 1.0)
            signs = []
        assert adaptive.p.item() == pytest.approx(p)
        if step == 10:
            restored = ada(interval=2, images=40)
            restored.load_state_dict(adaptive.state_dict())
            adaptive = restored
        if step == 19:
            assert p == 1.0
    assert p == 0.0


def test_a_fixed_p_follows_the_schedule_instead() -> None:
    fixed = ada(initial=0.5, target=None)
    fixed.observe(torch.ones(4, dtype=torch.float64))
    fixed.after_step(images=4)
    assert fixed.p.item() == 0.5
    fixed.factor = 0.0
    torch.testing.assert_close(fixed(images(), Seeded(4)), images())
    with pytest.raises(ConfigError, match=r"model.augment.blit=2"):
        ada(blit=2.0)


# -- APA -----------------------------------------------------------------------------------------------------------------


def test_apa_shows_generated_images_of_the_same_label_as_real() -> None:
    apa = APA(target=0.6, interval=4, images=1000).double()
    real, fake = images(2000, 1, 2), images(2000, 1, 2) + 5
    label = torch.arange(2000) % 10

    def generate(asked: torch.Tensor) -> torch.Tensor:
        assert torch.equal(asked, label)
        return fake

    assert torch.equal(apa.real(real, label, generate, Seeded(2000)), real)
    apa.p.fill_(0.3)
    presented = apa.real(real, label, generate, Seeded(2000))
    swapped = (presented == fake).flatten(1).all(1)
    assert torch.equal(presented[~swapped], real[~swapped])
    assert swapped.double().mean().item() == pytest.approx(0.3, abs=0.03)
    assert torch.equal(apa(real, Seeded(2000)), real)
