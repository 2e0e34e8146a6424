"""LeCam regularization (Tseng et al. 2021, "Regularizing GANs under limited data")."""

import torch
from torch import Tensor, nn

from sparring.core.distributed import average
from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorView


class LeCam(Regularizer):
    """weight * ((D(x) - a_fake)^2 + (D(G(z)) - a_real)^2), a_* moving averages of D's logits.

    a <- decay * a + (1 - decay) * mean logit of the batch, after each step; the first batch sets it.

    Args:
        decay: of the averages, [0, 1). start: step of D at which the penalty begins, when the averages have settled.

    Buffers: real, fake (the averages), steps (of D, with those in which it was not used).
    """

    real: Tensor
    fake: Tensor
    steps: Tensor

    def __init__(self, *, weight: float, decay: float, start: int, interval: int) -> None:
        super().__init__(interval=interval)
        self.weight, self.decay, self.start = weight, decay, start
        for name in ("real", "fake"):
            self.register_buffer(name, torch.zeros(()))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._means: list[Tensor] = []

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        real, fake = view.real.logits, view.fake.logits
        self._means.append(torch.stack([real.mean(), fake.mean()]).detach())
        penalty = (real - self.fake).square() + (fake - self.real).square()
        return self.weight * (self.steps >= self.start) * penalty

    @torch.no_grad()
    def after_step(self, player: str, network: nn.Module) -> None:
        if player != "discriminator":
            return
        means = average(torch.stack(self._means).mean(dim=0))
        self._means = []
        kept = self.decay * (self.steps > 0)
        for average_, mean in zip((self.real, self.fake), means, strict=True):
            average_.copy_(kept * average_ + (1 - kept) * mean)
        self.steps += self.interval
