"""What pixels alone say of samples: constructed collapses, labels without effect, and real images."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from sparring.core.randomness import generator
from sparring.evaluation.glance import Discriminant, Glance, small

LABEL = torch.arange(200) % 10


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """Images (1797, 1, 8, 8) uint8 and labels, in another order than by class."""
    data = load_digits()
    return torch.tensor(data.images * 255 / 16).round().to(torch.uint8)[:, None], torch.tensor(data.target)


@pytest.fixture(scope="module")
def glance(digits: tuple[Tensor, Tensor]) -> Glance:
    return Glance(*digits, num_classes=10, conditional=True)


def test_real_images_are_as_varied_as_real_images_and_of_their_class(
    glance: Glance, digits: tuple[Tensor, Tensor]
) -> None:
    values = glance(*digits)
    assert values.diversity == pytest.approx(1.0)
    assert values.agreement is not None
    assert values.agreement > 0.9
    assert glance.real_agreement == pytest.approx(values.agreement, abs=0.05)
    assert (values.unlearned, values.collapsed) == ("", "")


def test_one_image_per_class_is_a_collapse(glance: Glance, digits: tuple[Tensor, Tensor]) -> None:
    first = torch.stack([digits[0][digits[1] == k][0] for k in range(10)])
    values = glance(first[LABEL], LABEL)
    assert values.unlearned == ""
    assert values.collapsed == "images of one class hardly differ (diversity 0, real images 1)"


def test_a_little_noise_does_not_hide_a_collapse(glance: Glance, digits: tuple[Tensor, Tensor]) -> None:
    first = torch.stack([digits[0][digits[1] == k][0] for k in range(10)])
    large = torch.nn.functional.interpolate(first[LABEL].float(), 32)  # its noise is averaged away
    noisy = large + 40 * torch.randn(large.shape, generator=generator("noise"))
    assert glance(noisy.clamp(0, 255).to(torch.uint8), LABEL).collapsed


def test_images_of_any_class_and_noise_have_not_learned_the_classes(
    glance: Glance, digits: tuple[Tensor, Tensor]
) -> None:
    any_class = digits[0][torch.randperm(1797, generator=generator("order"))[:200]]
    noise = torch.randint(0, 256, (200, 1, 8, 8), generator=generator("pixels")).to(torch.uint8)
    for image in (any_class, noise):
        values = glance(image, LABEL)
        assert values.unlearned.startswith("samples show the class asked for in ")
        assert values.unlearned.endswith("by chance in 10%, real images in 95%")
    assert glance(any_class, LABEL).collapsed == ""


def test_without_labels_all_images_are_one_class(digits: tuple[Tensor, Tensor]) -> None:
    glance = Glance(*digits, num_classes=10, conditional=False)
    unlabelled = torch.full((200,), -1)
    same = glance(digits[0][:1].expand(200, -1, -1, -1), unlabelled)
    assert same.agreement is None
    assert (same.unlearned, same.collapsed) == (
        "",
        "images of the generator hardly differ (diversity 0, real images 1)",
    )
    assert glance(digits[0][:200], unlabelled).collapsed == ""


def test_pixels_that_tell_no_classes_apart_say_nothing_of_labels() -> None:
    image = torch.randint(0, 256, (400, 3, 16, 16), generator=generator("grey")).to(torch.uint8)
    glance = Glance(image, torch.arange(400) % 10, num_classes=10, conditional=True)
    assert glance.real_agreement is not None
    assert glance.real_agreement < 0.2
    assert glance(image[:200].flip(0), LABEL).unlearned == ""


def test_discriminant_is_the_bayes_rule_of_two_normal_classes() -> None:
    """Means (+-1, 0), one covariance diag(1, 9): the rule is the sign of x, right in Phi(1) of the cases."""
    label = torch.arange(20000) % 2
    noise = torch.randn(20000, 2, generator=generator("normal"), dtype=torch.float64) * torch.tensor([1.0, 3.0])
    features = torch.stack([2.0 * label - 1, torch.zeros(20000)], dim=1) + noise
    rule = Discriminant(features, label, 3)  # the third class has no images
    direction = rule.weight[:, 1] - rule.weight[:, 0]
    assert float(direction[1] / direction[0]) == pytest.approx(0.0, abs=0.02)
    assert rule.agreement(features, label) == pytest.approx(0.8413, abs=0.01)


def test_small_averages_areas_and_enlarges_nothing() -> None:
    image = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    image[0, 0, :2, :2] = torch.tensor([[0, 255], [255, 0]])
    assert small(image)[0, 0] == pytest.approx(0.5)
    assert small(image).shape == (1, 64)
    assert small(torch.zeros(2, 3, 4, 4, dtype=torch.uint8)).shape == (2, 48)
