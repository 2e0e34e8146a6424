"""CutMix (Yun et al. 2019, equations 1 and 2)."""

from math import sqrt

import numpy as np
from torch import Tensor

from sparring.core.randomness import seed_of
from sparring.model.step.draws import Draws
from sparring.model.transform.base import Transform, check_share
from sparring.model.transform.math.mixing import check_alpha, kept_share, partner


class CutMix(Transform):
    """A box of another image of the batch is pasted in; that image's target gets the box's share of the area as weight.

    lambda ~ Beta(alpha, alpha); the box has sqrt(1 - lambda) of each side, its centre is uniform and it is cut at the edge.
    One box for a batch.

    Args:
        alpha: above 0. probability: [0, 1], with which a batch is mixed.
    """

    def __init__(self, *, alpha: float, probability: float) -> None:
        self.alpha, self.probability = check_alpha("cutmix", alpha), check_share("cutmix.probability", probability)

    def __call__(self, image: Tensor, target: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        share = kept_share(draws, alpha=self.alpha, probability=self.probability)
        if share == 1:
            return image, target
        height, width = image.shape[2:]
        (y, x) = np.random.default_rng(seed_of(draws.seed, "centre", *draws.key)).random(2)
        rows, columns = span(y, sqrt(1 - share), height), span(x, sqrt(1 - share), width)
        other, other_target = partner(draws, image, target)
        image = image.clone()
        image[:, :, rows, columns] = other[:, :, rows, columns]
        pasted = (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        return image, target.lerp(other_target, pasted)


def span(centre: float, share: float, length: int) -> slice:
    """Pixels of a box with `share` of the side around the pixel under `centre` in [0, 1), cut at the edge."""
    pixels = int(share * length)
    first = int(centre * length) - pixels // 2
    return slice(max(first, 0), min(max(first + pixels, 0), length))
