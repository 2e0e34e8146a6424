"""Minimax loss (Goodfellow et al. 2014, equation 1): G minimises exactly what D maximises."""

from torch import Tensor
from torch.nn.functional import softplus

from sparring.model.loss.base import Loss


class Minimax(Loss):
    """D: -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))); G: log(1 - sigmoid(D(G(z)))).

    G's gradient vanishes where D is sure that its images are generated (it "saturates"), as early in training; the paper
    trains with `non_saturating` for that reason.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real) + softplus(fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -softplus(fake)
