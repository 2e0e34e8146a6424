"""Non-saturating logistic loss (Goodfellow et al. 2014, section 3, in the softplus form of Mescheder et al. 2018)."""

from torch import Tensor
from torch.nn.functional import softplus

from sparring.model.loss.base import Loss


class NonSaturating(Loss):
    """D: -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))); G: -log sigmoid(D(G(z)))."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake)
