"""Weight clipping (Arjovsky et al. 2017, "Wasserstein GAN", algorithm 1, line 7)."""

import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.model.regularizer.base import Regularizer


class WeightClipping(Regularizer):
    """After D's step every parameter of D is clipped to [-bound, bound].

    Raises:
        ConfigError: a bound that is not above 0.
    """

    terms = frozenset()
    lipschitz = True

    def __init__(self, *, bound: float, interval: int) -> None:
        super().__init__(interval=interval)
        if not bound > 0:
            raise ConfigError(f"model.regularizer.weight_clipping.bound={bound} must be above 0.")
        self.bound = bound

    @torch.no_grad()
    def after_step(self, player: str, network: nn.Module) -> None:
        if player == "discriminator":
            torch._foreach_clamp_min_(list(network.parameters()), -self.bound)
            torch._foreach_clamp_max_(list(network.parameters()), self.bound)
