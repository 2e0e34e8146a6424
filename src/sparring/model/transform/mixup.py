"""mixup (Zhang et al. 2018, equation 1)."""

from torch import Tensor

from sparring.model.step.draws import Draws
from sparring.model.transform.base import Transform, check_share
from sparring.model.transform.math.mixing import check_alpha, kept_share, partner


class Mixup(Transform):
    """lambda x + (1 - lambda) x' of images and targets, x' another image of the batch, lambda ~ Beta(alpha, alpha).

    One lambda for a batch.

    Args:
        alpha: above 0. probability: [0, 1], with which a batch is mixed.
    """

    def __init__(self, *, alpha: float, probability: float) -> None:
        self.alpha, self.probability = check_alpha("mixup", alpha), check_share("mixup.probability", probability)

    def __call__(self, image: Tensor, target: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        share = kept_share(draws, alpha=self.alpha, probability=self.probability)
        if share == 1:
            return image, target
        other, other_target = partner(draws, image, target)
        return image.lerp(other, 1 - share), target.lerp(other_target, 1 - share)
