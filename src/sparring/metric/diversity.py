"""Intra-class diversity: how much images of one class differ from each other, against real images of that class."""

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.metric.check import check_features


def within_class_variance(features: Tensor, label: Tensor, num_classes: int) -> Tensor:
    """Trace of the covariance of the features of each class, (num_classes,) float64; NaN for fewer than two images.

    Half the mean squared distance between two images of the class.

    Args:
        features: (N, D).
        label: (N,) int64 in 0..num_classes-1: of generated images the class asked for.
        num_classes: classes, with images here or not.

    Raises:
        DataError: features that are NaN or infinite. ConfigError: labels that do not fit the features or the classes.
    """
    check_features(features, what="Features")
    if label.shape != features.shape[:1] or bool(((label < 0) | (label >= num_classes)).any()):
        raise ConfigError(
            f"Within-class variance needs one class in 0..{num_classes - 1} for each of {len(features)} images, got labels of "
            f"shape {tuple(label.shape)}: give the classes that were asked for, of an unconditional generator a classifier's."
        )
    variance = torch.full((num_classes,), torch.nan, dtype=torch.float64)
    for k in range(num_classes):
        rows = features[label == k].double()
        if len(rows) > 1:
            variance[k] = rows.var(dim=0).sum()
    return variance


def intra_class_diversity(generated: Tensor, real: Tensor) -> float:
    """Mean within-class variance of generated images over that of real ones, over the classes that both sides measured.

    1: as varied as real images; near 0: one image per class; far above 1: the label is not obeyed, so that a "class" holds
    images of all of them.

    Args:
        generated, real: (K,), from `within_class_variance` on the same features.

    Raises:
        DataError: no class has two images on both sides, or the real images of a class do not differ.
    """
    if generated.shape != real.shape:
        raise ConfigError(
            f"Intra-class diversity compares the same classes, got {len(generated)} generated and {len(real)} real ones."
        )
    both = ~(generated.isnan() | real.isnan())
    if not bool(both.any()) or not float(real[both].sum()) > 0:
        raise DataError(
            "Intra-class diversity needs a class with 2 or more generated and 2 or more different real images: give more images."
        )
    return float(generated[both].sum() / real[both].sum())
