"""Augmentations of classifiers against Pillow, a loop over single images, and the papers' equations."""

import functools

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.classifier import Classifier
from sparring.model.step.draws import Draws
from sparring.model.transform import randaugment
from sparring.model.transform.cutmix import CutMix, span
from sparring.model.transform.cutout import Cutout
from sparring.model.transform.flip import Flip
from sparring.model.transform.math import mixing
from sparring.model.transform.mixup import Mixup
from sparring.model.transform.shift import Shift
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves
from tests.model.pictures import N, pictures

SMALL = ["model=classifier", "data.image_size=8", "model.backbone.width=4"]


def draws_for(count: int = N, *key: str | int, channels: int = 1) -> Draws:
    model = small_classifier(channels)
    model.batch_size = count
    return model.draws(*(key or ("augmentation", 3)))


@functools.cache
def small_classifier(channels: int) -> Classifier:
    model = build_model(compose(*SMALL, f"data.channels={channels}"))
    assert isinstance(model, Classifier)
    return model


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("leaf", leaves("model/transform"))
def test_every_leaf_keeps_shapes_range_and_class_probabilities(leaf: str, channels: int) -> None:
    config = compose(*SMALL, f"model/transform=[{leaf}]", f"data.channels={channels}").model.transform
    (transform,) = build(config, section="model").values()
    image, draws = pictures(channels), draws_for(channels=channels)
    target = one_hot(torch.arange(N) % 4, 4).float()
    before = image.clone(), target.clone()
    changed, mixed = transform(image, target, draws)
    assert changed.shape == image.shape
    assert changed.dtype == torch.float32
    assert float(changed.abs().max()) <= 1 + 1e-5  # a point between two pixels rounds
    torch.testing.assert_close(mixed.sum(1), torch.ones(N))
    assert bool((mixed >= 0).all())
    again = transform(image, target, draws)
    assert torch.equal(changed, again[0])
    assert torch.equal(mixed, again[1])
    assert torch.equal(image, before[0])  # the caller's tensors stay
    assert torch.equal(target, before[1])


def test_a_batch_of_operations_is_each_image_alone() -> None:
    image = pictures(3, count=2 * len(randaugment.OPERATIONS))
    chosen = torch.arange(len(image)) % len(randaugment.OPERATIONS)
    strength = torch.linspace(-1, 1, len(image))
    together = randaugment.apply(image, chosen, strength)
    names = list(randaugment.OPERATIONS)
    for k, one in enumerate(image):
        alone = randaugment.OPERATIONS[names[chosen[k]]](one[None], strength[k : k + 1])[0]
        torch.testing.assert_close(together[k], alone)


def test_geometry_at_known_strengths() -> None:
    image, one = pictures(1, count=2, size=10), torch.ones(2)
    moved = randaugment.move(image, one, axis=0)  # 0.3 of 10 pixels, to the left in the result
    torch.testing.assert_close(moved[..., :7], image[..., 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(randaugment.move(image, -one, axis=1)[:, :, 3:], image[:, :, :7], atol=1e-5, rtol=0)
    torch.testing.assert_close(randaugment.rotate(image, 0 * one), image, atol=1e-5, rtol=0)
    quarter = randaugment.rotate(image, 3 * one)  # 90 degrees
    assert min((quarter - image.rot90(k, (2, 3))).abs().max() for k in (1, 3)) < 1e-4
    # A shear moves the row at height y (in [-1, 1]) by 0.3 y: the ramp x becomes x + 0.3 y inside.
    centre = torch.linspace(-0.9, 0.9, 10)
    ramp = centre.expand(1, 1, 10, 10)
    sheared = randaugment.shear(ramp, one[:1], axis=0)
    torch.testing.assert_close(sheared[0, 0, :, 3:7], (ramp + 0.3 * centre[:, None])[0, 0, :, 3:7], atol=1e-5, rtol=0)


def test_shift_and_flip_image_by_image() -> None:
    image, draws = pictures(2), draws_for()
    shifted = Shift(pixels=2).change(image, draws)
    corners = (draws.uniform("corner", 2) * 5).long().tolist()
    assert len({tuple(corner) for corner in corners}) > 5
    for one, result, (top, left) in zip(image, shifted, corners, strict=True):
        padded = np.pad(one.numpy(), ((0, 0), (2, 2), (2, 2)), mode="reflect")
        np.testing.assert_array_equal(result.numpy(), padded[:, top : top + 9, left : left + 9])
    flipped = Flip(probability=0.5).change(image, draws)
    mirrored = [not torch.equal(a, b) for a, b in zip(image, flipped, strict=True)]
    assert 0 < sum(mirrored) < N
    for one, result, turned in zip(image, flipped, mirrored, strict=True):
        assert torch.equal(result, one.flip(2) if turned else one)
    assert torch.equal(Flip(probability=0.0).change(image, draws), image)


def test_cutout_zeroes_one_square() -> None:
    result = Cutout(size=0.5).change(torch.ones(N, 1, 8, 8), draws_for())
    for hole in result[:, 0] == 0:
        rows, columns = hole.any(1).nonzero().flatten(), hole.any(0).nonzero().flatten()
        assert len(rows) <= 4 >= len(columns)
        assert hole.sum() == len(rows) * len(columns)


def test_mixup_is_the_papers_equation() -> None:
    draws, image = draws_for(), pictures(1)
    target = torch.eye(10)[torch.arange(N) % 10]
    mixed, mixed_target = Mixup(alpha=1.0, probability=1.0)(image, target, draws)
    share = mixing.kept_share(draws, alpha=1.0, probability=1.0)
    assert 0 < share < 1
    order = mixing.partner(draws, torch.arange(N))[0]
    assert sorted(order.tolist()) == list(range(N))
    for k in range(N):
        torch.testing.assert_close(mixed[k], share * image[k] + (1 - share) * image[order[k]])
        torch.testing.assert_close(mixed_target[k], share * target[k] + (1 - share) * target[order[k]])


def test_cutmix_targets_follow_the_pasted_area() -> None:
    image = torch.arange(N).float()[:, None, None, None].expand(N, 1, 9, 9).clone()
    target = torch.eye(N)
    changed_batches = 0
    for iteration in range(20):
        draws = draws_for(N, "augmentation", iteration)
        mixed, mixed_target = CutMix(alpha=1.0, probability=1.0)(image, target, draws)
        order = mixing.partner(draws, torch.arange(N))[0]
        for k in range(N):
            pasted = float((mixed[k] == order[k]).float().mean())
            expected = target[k] * (1 - pasted) + target[order[k]] * pasted if order[k] != k else target[k]
            torch.testing.assert_close(mixed_target[k], expected)
        changed_batches += int((mixed != image).any())
    assert changed_batches > 10


def test_boxes() -> None:
    assert span(0.5, 0.5, 8) == slice(2, 6)
    assert span(0.0, 0.5, 8) == slice(0, 2)
    assert span(0.99, 0.5, 8) == slice(5, 8)


def test_kept_share_has_the_moments_of_beta() -> None:
    shares = torch.tensor([mixing.kept_share(draws_for(N, "x", k), alpha=0.5, probability=1.0) for k in range(300)])
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.06)
    assert float(shares.var()) == pytest.approx(1 / 8, abs=0.02)  # 1 / (4 (2 alpha + 1))
    assert mixing.kept_share(draws_for(), alpha=0.5, probability=0.0) == 1.0


def test_draws_are_those_of_the_iteration() -> None:
    image = pictures(1)
    once, again = (Shift(pixels=2).change(image, draws_for(N, "augmentation", 3)) for _ in range(2))
    assert torch.equal(once, again)
    assert not torch.equal(once, Shift(pixels=2).change(image, draws_for(N, "augmentation", 4)))


def test_parts_of_a_batch_give_the_whole_batchs_gradient() -> None:
    """The step with every augmentation: soft targets and smoothing, accumulate=1 and 2 (eval mode: no BatchNorm statistics)."""
    gradients = []
    batch = Batch(pictures(1, count=8, size=8), torch.arange(8) % 10)
    for accumulate in (1, 2):
        torch.manual_seed(0)
        everything = "model/transform=[shift,flip,cutout,jitter,randaugment,mixup,cutmix]"
        model = build_model(compose(*SMALL, everything, f"model.accumulate={accumulate}"))
        assert isinstance(model, Classifier)
        model.batch_size = 8
        model.network.eval()
        model.begin_iteration = lambda chunk: None  # type: ignore[method-assign]
        model.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign, misc]
        model.step_player = lambda player, *, counted=True: None  # type: ignore[method-assign]
        model.training_step({"classifier": [batch]}, 0)
        gradients.append([parameter.grad for parameter in model.network.parameters()])
    for one, two in zip(*gradients, strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("flip.probability=2", "from 0 to 1"),
        ("cutout.size=-1", "from 0 to 1"),
        ("jitter.contrast=3", "from 0 to 1"),
        ("randaugment.magnitude=11", "from 0 to 10"),
        ("randaugment.operations=-1", "0 or more"),
        ("shift.pixels=-1", "0 or more"),
        ("mixup.alpha=0", "above 0"),
        ("cutmix.probability=1.5", "from 0 to 1"),
    ],
)
def test_refusals(override: str, message: str) -> None:
    name = override.partition(".")[0]
    with pytest.raises(ConfigError, match=message):
        build_model(compose(*SMALL, f"model/transform=[{name}]", f"model.transform.{override}"))
