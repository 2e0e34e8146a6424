"""The adversary keeps to its budget and spends it on the steepest direction."""

import torch

from sparring.explanation.counterfactual.adversary import adversarial


def test_the_adversary_of_a_linear_classifier() -> None:
    torch.manual_seed(0)
    weight, image = torch.randn(1, 3, 3), torch.zeros(2, 1, 3, 3)

    def logits(image: torch.Tensor) -> torch.Tensor:
        value = (image * weight).flatten(1).sum(1)
        return torch.stack([value, -value], 1)

    radius = torch.tensor([0.3, 0.1])
    found = adversarial(logits, image, torch.tensor([0, 1]), radius)
    unit = weight / weight.norm()
    torch.testing.assert_close(found, torch.stack([0.3 * unit, -0.1 * unit]), atol=1e-5, rtol=0)


def test_pixels_stay_in_their_range() -> None:
    found = adversarial(lambda image: torch.stack([image.mean((1, 2, 3)), -image.mean((1, 2, 3))], 1),
                        torch.full((1, 1, 2, 2), 0.9), torch.tensor([0]), torch.tensor([5.0]))  # fmt: skip
    torch.testing.assert_close(found, torch.ones(1, 1, 2, 2))
