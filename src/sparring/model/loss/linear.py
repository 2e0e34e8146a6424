"""Linear loss: the loss that this project began with. G maximises D(G(z)), D separates linearly.

The same two functions as the Wasserstein critic's (Arjovsky et al. 2017, equations 2 and 3) halved in D, so that D's loss
is the mean over all images it saw of sign * logit; any control of D's slope makes it an integral probability metric
(Mueller 1997; McGAN, Mroueh et al. 2017), 1-Lipschitz control the Wasserstein distance.
"""

from torch import Tensor

from sparring.model.loss.base import Loss


class LinearLoss(Loss):
    """D: (D(G(z)) - D(x)) / 2; G: -D(G(z)). Refused without a control of D's slope: both would grow for ever."""

    bounded = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - real) / 2

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake
