"""The latent of a generated image is found again."""

import torch
from torch import nn

from sparring.explanation.counterfactual.invert import invert


def test_a_generated_image_is_reached() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 48), nn.Tanh()).requires_grad_(False)

    def draw(latent: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return network(latent).view(-1, 3, 4, 4) * (1 - 2 * label).view(-1, 1, 1, 1)

    latent, label = torch.randn(5, 4), torch.tensor([0, 1, 0, 1, 0])
    image = draw(latent, label)
    found = invert(draw, image, label, torch.randn(3, 4), steps=400)
    assert found.error[:, 0].max() < 1e-3
    torch.testing.assert_close(found.latent[:, 0], latent, atol=0.05, rtol=0)
    assert bool((found.error.diff(dim=1) >= 0).all())  # best first
    one = invert(draw, image[1:2], label[1:2], torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), steps=5)
    assert one.image.shape == (1, 3, 3, 4, 4)
