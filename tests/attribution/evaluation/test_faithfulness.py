"""Deletion, insertion, infidelity and completeness against their exact values; the controls know nothing."""

import pytest
import torch

from sparring.attribution.evaluation import faithfulness as f
from sparring.attribution.evaluation.controls import centred, control_maps
from sparring.attribution.integrated_gradients import IntegratedGradients
from tests.attribution.networks import Convolutions, Linear

BLACK = torch.tensor(-1.0)


@pytest.mark.parametrize(("curve", "expected"), [(torch.full((9,), 0.3), 0.3), (torch.linspace(1, 0, 9), 0.5)])
def test_areas_in_closed_form(curve: torch.Tensor, expected: float) -> None:
    assert float(f.area(curve)) == pytest.approx(expected)


def test_deleting_the_one_pixel_that_counts_first() -> None:
    """A network that reads one pixel: the right map gives 1 / (2n), the wrong one all but that."""
    n = 16
    weight, image = torch.zeros(1, 4, 4), -torch.ones(1, 1, 4, 4)
    weight[0, 2, 1], image[0, 0, 2, 1] = 1.0, 1.0
    right = weight.clone()

    network, target, zero = Linear(weight), torch.zeros(1, dtype=torch.int64), torch.full_like(image, -1.0)

    def deletion(attribution: torch.Tensor) -> float:
        curve = f.replacement_curve(
            network, image, zero, f.importance_order(attribution), target, lambda logits, _: (logits[:, 0] > 0).float(),
            steps=n,
        )  # fmt: skip
        return float(f.area(curve))

    assert deletion(right) == pytest.approx(1 / (2 * n))
    assert deletion(-right) == pytest.approx(1 - 1 / (2 * n))


def test_insertion_ends_at_the_image_and_deletion_at_the_baseline() -> None:
    network, image, target = Convolutions(), torch.rand(3, 1, 8, 8), torch.tensor([0, 1, 2])
    order = f.importance_order(torch.rand(3, 8, 8))
    there = f.softmax_probability(network(image), target).detach()
    blurred = f.blurred(image)
    insertion = f.replacement_curve(network, blurred, image, order, target, f.softmax_probability, steps=5)
    deletion = f.replacement_curve(
        network, image, BLACK.expand_as(image), order, target, f.softmax_probability, steps=5
    )
    torch.testing.assert_close(insertion[:, -1], there)
    torch.testing.assert_close(deletion[:, 0], there)
    torch.testing.assert_close(insertion[:, 0], f.softmax_probability(network(blurred), target).detach())


def test_a_blurred_image_keeps_its_level() -> None:
    torch.testing.assert_close(f.blurred(torch.full((2, 3, 8, 8), 0.4)), torch.full((2, 3, 8, 8), 0.4))
    noisy = torch.randn(1, 1, 16, 16)
    assert float(f.blurred(noisy).std()) < 0.5 * float(noisy.std())


def test_infidelity_of_a_linear_network() -> None:
    weight, image = torch.rand(1, 8, 8), torch.rand(4, 1, 8, 8)
    settings = {"baseline": BLACK, "index": torch.arange(4), "seed": 0, "samples": 40}
    target = torch.zeros(4, dtype=torch.int64)
    exact = (weight * (image + 1)).sum(1)
    for scale in (1.0, 7.0):  # the unit of a map does not matter
        assert f.infidelity(Linear(weight), image, scale * exact, target, **settings).max() < 1e-6  # type: ignore[arg-type]
    against = f.infidelity(Linear(weight), image, -exact, target, **settings)  # type: ignore[arg-type]
    torch.testing.assert_close(against, torch.ones(4))


def test_completeness_of_integrated_gradients() -> None:
    network, image, target = Convolutions(), torch.rand(5, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1])
    maps = IntegratedGradients(steps=256)(network, image, target, baseline=BLACK, index=torch.arange(5), seed=0)
    gap = f.completeness(network, image, maps, target, baseline=BLACK)
    change = (network(image) - network(BLACK.expand_as(image))).gather(1, target[:, None]).abs()
    assert bool((gap < 0.01 * change.max()).all())
    torch.testing.assert_close(
        f.completeness(network, image, torch.zeros(5, 8, 8), target, baseline=BLACK), change.squeeze(1)
    )


def test_controls_know_the_place_or_nothing() -> None:
    image = torch.zeros(3, 2, 6, 6)
    maps = control_maps(image, index=torch.tensor([4, 5, 6]), seed=1)
    again = control_maps(image[1:], index=torch.tensor([5, 6]), seed=1)
    torch.testing.assert_close(maps["random"][1:], again["random"])
    assert len(centred(image)[0].unique()) == 36  # no ties, which the order would break by the reading order
    assert set(centred(image)[0].flatten().topk(4).indices.tolist()) == {14, 15, 20, 21}
