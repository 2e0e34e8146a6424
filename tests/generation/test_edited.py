"""Latents part of the way to others, and along directions."""

from typing import Any

import pytest
import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.generation.edited import EditedSampling
from sparring.generation.sampler import Sampler, joined


class Ramp(nn.Module):
    """The first latent number as brightness."""

    def forward(self, latent: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return (latent[:, :1, None, None] / 10 + label[:, None, None, None] / 10).expand(-1, 1, 2, 2)


def drawn(seed: int, **edit: Any) -> torch.Tensor:
    sampling = EditedSampling(**{"toward": None, "share": 0.0, "step": None, **edit})
    return joined(Sampler(Ramp(), latent_dim=3, num_classes=2, count=5, seed=seed, sampling=sampling)).image.int()


def test_both_ends_of_the_way_are_the_images_of_their_seeds() -> None:
    plain = joined(Sampler(Ramp(), latent_dim=3, num_classes=2, count=5, seed=1)).image.int()
    assert torch.equal(drawn(1, toward=2, share=0.0), plain)
    assert (drawn(1, toward=2, share=1.0) - drawn(2)).abs().max() <= 1
    assert not torch.equal(drawn(1, toward=2, share=0.5), drawn(1))


def test_a_step_is_added_to_every_code() -> None:
    moved = drawn(1, step=torch.tensor([2.0, 5.0, 0.0])) - drawn(1)
    assert (moved - 0.2 * 255 / 2).abs().max() <= 1  # two units of the only number that the network sees


def test_a_share_or_seed_out_of_range_is_refused() -> None:
    for edit in ({"toward": 1, "share": 1.5}, {"toward": 1.5}, {"toward": 1, "share": True}):
        with pytest.raises(ConfigError):
            drawn(0, **edit)
