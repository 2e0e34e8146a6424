"""Generated images of a discriminator step that the generator's step learns from."""

from typing import NamedTuple

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.loss.base import Loss


class Kept(NamedTuple):
    """latent (N, L), label (N,), and the images (N, C, H, W) that G made of them, with their graph."""

    latent: Tensor
    label: Tensor
    image: Tensor


def check_reuse(loss: Loss, accumulate: int) -> None:
    """Raise ConfigError where the images of D's step cannot be those of G's."""
    if loss.pairs:
        raise ConfigError(
            "model.reuse_fakes=true cannot work with a loss that compares generated with real images of the same class: G's step "
            "has other real images than D's; set model.reuse_fakes=false."
        )
    if accumulate > 1:
        raise ConfigError(
            f"model.reuse_fakes=true would hold the graphs of all model.accumulate={accumulate} parts at once, and parts "
            "are there to save that memory; set model.reuse_fakes=false or model.accumulate=1."
        )
