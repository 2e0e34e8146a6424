"""Relativistic average loss (Jolicoeur-Martineau 2019, "The relativistic discriminator")."""

from torch import Tensor
from torch.nn.functional import softplus

from sparring.core.distributed import gather
from sparring.model.loss.base import Loss


class RelativisticAverage(Loss):
    """Each logit is compared with the mean of the other side's over the batch of all devices, f = softplus:

    D: f(-(D(x) - mean D(G(z)))) + f(D(G(z)) - mean D(x)); G: the same with real and generated exchanged.
    """

    pairs = True
    whole_batch = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(gather(fake).mean() - real) + softplus(fake - gather(real).mean())

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        if real is None:
            raise ValueError("the relativistic average loss needs the logits of real images in the generator's step")
        return softplus(gather(real).mean() - fake) + softplus(real - gather(fake).mean())
