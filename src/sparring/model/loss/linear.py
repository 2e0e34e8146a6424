"""Linear loss (McGAN, Mroueh et al. 2017, in one dimension): G maximises D(G(z)), D separates linearly.

The functions of the Wasserstein critic (Arjovsky et al. 2017, equations 2 and 3) with D's halved, so that D's loss is the mean
of -label * logit over all images, labels +1 and -1. A bound on D's slope makes it an integral probability metric (Mueller
1997), the bound 1 the Wasserstein distance.
"""

from torch import Tensor

from sparring.model.loss.base import Loss


class LinearLoss(Loss):
    """D: (D(G(z)) - D(x)) / 2; G: -D(G(z)). Refused without a bound on D's slope: both losses would diverge."""

    bounded = False

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - real) / 2

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake
