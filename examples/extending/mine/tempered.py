"""A loss: the non-saturating GAN loss at a temperature (Goodfellow et al. 2014, section 3, with logits divided by it)."""

from torch import Tensor
from torch.nn.functional import softplus

from sparring.model.loss.base import Loss


class Tempered(Loss):
    """D: t softplus(-D(x) / t) + t softplus(D(G(z)) / t); G: t softplus(-D(G(z)) / t). All logits and losses (N,)."""

    def __init__(self, *, temperature: float) -> None:
        self.temperature = temperature

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self._cost(-real) + self._cost(fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return self._cost(-fake)

    def _cost(self, logits: Tensor) -> Tensor:
        return self.temperature * softplus(logits / self.temperature)
