"""Has the discriminator memorised its training images? Read from its logits alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.errors import DataError
from sparring.metric.check import check_features


@dataclass(frozen=True)
class Overfit:
    """How D rates training, held-out and generated images.

    train, held_out: share of real images with a logit above the threshold.
    fake: share of generated images with a logit below it.
    gap: train - held_out; 0 without overfitting.
    order: probability that a training image gets a higher logit than a held-out one, 0.5 without overfitting; it needs no
        threshold, which relativistic and Wasserstein critics do not have.
    r_v: (E D(train) - E D(held-out)) / (E D(train) - E D(fake)) (Karras et al. 2020, equation 1): 0 none, 1 total;
        None where D does not tell training images from generated ones.
    """

    train: float
    held_out: float
    fake: float
    gap: float
    order: float
    r_v: float | None


def overfit(train: Tensor, held_out: Tensor, fake: Tensor, *, threshold: float = 0.0) -> Overfit:
    """Compare D's logits, taken in eval mode, on three sets of images.

    Args:
        train: (N,) logits of training images.
        held_out: (M,) of real images that D was not trained on.
        fake: (K,) of generated images.
        threshold: logit above which an image counts as real.

    Raises:
        DataError: a set without images, or NaN.
    """
    for name, logits in (("training images", train), ("held-out images", held_out), ("fakes", fake)):
        if not len(logits):
            raise DataError(f"The discriminator has logits of no {name}: give 1 or more.")
        check_features(logits[:, None], what=f"Logits of the {name}")
    accuracy = [float((logits > threshold).double().mean()) for logits in (train, held_out)]
    means = [float(logits.double().mean()) for logits in (train, held_out, fake)]
    separation = means[0] - means[2]
    return Overfit(
        train=accuracy[0],
        held_out=accuracy[1],
        fake=float((fake < threshold).double().mean()),
        gap=accuracy[0] - accuracy[1],
        order=order_probability(train, held_out),
        r_v=(means[0] - means[1]) / separation if separation > 0 else None,
    )


def order_probability(first: Tensor, second: Tensor) -> float:
    """P(first > second) + P(equal) / 2 over all pairs of (N,) and (M,): the area under the ROC curve."""
    ordered = second.double().contiguous().sort().values
    values = first.double().contiguous()
    below = torch.searchsorted(ordered, values, right=False) + torch.searchsorted(ordered, values, right=True)
    return float(below.double().mean()) / (2 * len(ordered))
