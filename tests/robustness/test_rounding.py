"""Adversarial images that are written as bytes."""

import torch

from sparring.attack.math.norm_ball import length
from sparring.robustness.export import rounded


def test_rounding_stays_within_epsilon() -> None:
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (50, 1, 6, 6), generator=draw, dtype=torch.uint8)
    image = pixels.float() / 255 * 2 - 1
    for epsilon, norm in ((0.1, "linf"), (8 / 255, "linf"), (0.5, "l2")):
        noise = torch.randn(image.shape, generator=draw)
        change = noise.sign() * 2 * epsilon if norm == "linf" else noise / length(noise) * 2 * epsilon
        difference = rounded((image + change).clamp(-1, 1), pixels, epsilon, norm).double() - pixels.double()
        size = difference.abs().amax() if norm == "linf" else difference.flatten(1).norm(dim=1).amax()
        assert float(size) <= 255 * epsilon + 1e-3 * (norm == "l2")
        if norm == "linf":
            assert float(size) == int(255 * epsilon + 1e-6)
