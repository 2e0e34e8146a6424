"""Whether samples have collapsed or ignore their class, from their pixels alone: no network, a fraction of a second."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from sparring.metric.diversity import intra_class_diversity, within_class_variance

PART = 500  # images that are averaged at a time
SIDE = 8  # pixels that images are averaged down to: what is left is shape and tone, not noise
RIDGE = 0.01  # of the mean variance, added to the covariance within classes
COLLAPSED = 0.1  # diversity below which images of a class are one image
LEARNS = 0.5  # share of that way, from which on a generator is learning
UNLEARNED = 0.1  # share of the way from chance to real images, below which the class asked for has no effect


@dataclass(frozen=True)
class GlanceValues:
    """diversity: variance within classes over that of real images, of all images together without labels. agreement: how often a
    linear discriminant sees the class asked for; None without labels. real_agreement: of real images that it was not fitted to.
    """

    diversity: float
    agreement: float | None
    real_agreement: float | None
    num_classes: int

    def plain(self) -> dict[str, Any]:
        """For a checkpoint: `GlanceValues(**plain)`."""
        return asdict(self)

    @property
    def unlearned(self) -> str:
        """Why these samples ignore their class, as a phrase; empty if they do not, or if pixels cannot tell."""
        chance = 1 / self.num_classes
        if self.agreement is None or self.real_agreement is None or self.real_agreement < 2 * chance:
            return ""
        if self.agreement >= chance + UNLEARNED * (self.real_agreement - chance):
            return ""
        shares = f"in {self.agreement:.0%}, by chance in {chance:.0%}, real images in {self.real_agreement:.0%}"
        return f"samples show the class asked for {shares}"

    @property
    def learns(self) -> bool | None:
        """Whether these samples show their class and differ within it, as those of a training that goes well; None where pixels
        cannot tell.
        """
        chance = 1 / self.num_classes
        if self.agreement is None or self.real_agreement is None or self.real_agreement < 2 * chance:
            return None
        return self.agreement >= chance + LEARNS * (self.real_agreement - chance) and not self.collapsed

    @property
    def collapsed(self) -> str:
        """Why these samples are one image per class, as a phrase; empty if they are not."""
        if self.diversity >= COLLAPSED:
            return ""
        what = "one class" if self.agreement is not None else "the generator"
        return f"images of {what} hardly differ (diversity {self.diversity:.2g}, real images 1)"


class Glance:
    """Compares samples with real images at 8x8 pixels.

    Args:
        image: (N, C, H, W) uint8 real images. label: (N,) int64, in any order.
        num_classes: K. conditional: whether samples have labels; else all images count as one class.
    """

    def __init__(self, image: Tensor, label: Tensor, *, num_classes: int, conditional: bool) -> None:
        self.num_classes = num_classes if conditional else 1
        features, label = small(image), label if conditional else torch.zeros_like(label)
        self.variance = within_class_variance(features, label, self.num_classes)
        self.classes, self.real_agreement = None, None
        if self.num_classes > 1:
            half = torch.arange(len(label)) % 2 == 0
            fitted = Discriminant(features[half], label[half], self.num_classes)
            self.real_agreement = fitted.agreement(features[~half], label[~half])
            self.classes = Discriminant(features, label, self.num_classes)

    def __call__(self, image: Tensor, label: Tensor) -> GlanceValues:
        """Of uint8 samples (N, C, H, W) and the classes asked for (N,); two or more of a class."""
        features, label = small(image), label if self.classes else torch.zeros_like(label)
        variance = within_class_variance(features, label, self.num_classes)
        agreement = self.classes.agreement(features, label) if self.classes else None
        return GlanceValues(
            intra_class_diversity(variance, self.variance), agreement, self.real_agreement, self.num_classes
        )


class Discriminant:
    """Linear discriminant analysis (Fisher 1936) with equal class shares and a ridge; classes without images are never predicted.

    Args:
        features: (N, D) float64. label: (N,) in 0..K-1.
    """

    def __init__(self, features: Tensor, label: Tensor, num_classes: int) -> None:
        count = torch.bincount(label, minlength=num_classes).double()
        total = torch.zeros(num_classes, features.shape[1], dtype=torch.float64).index_add_(0, label, features)
        mean = total / count.clamp(min=1)[:, None]
        centred = features - mean[label]
        covariance = centred.T @ centred / len(features)
        ridge = RIDGE * covariance.diagonal().mean() + 1e-9
        self.weight = torch.linalg.solve(covariance + ridge * torch.eye(len(covariance)).double(), mean.T)  # (D, K)
        self.bias = -(mean * self.weight.T).sum(1) / 2 + torch.where(count > 0, 0.0, -torch.inf)

    def agreement(self, features: Tensor, label: Tensor) -> float:
        """Share of the rows whose class is predicted."""
        predicted = (features @ self.weight + self.bias).argmax(1)
        return float((predicted == label).double().mean())


def small(image: Tensor) -> Tensor:
    """(N, C, H, W) uint8 -> (N, C * 8 * 8) float64 in [0, 1], averaged over areas; images below 8 pixels are not enlarged."""
    height, width = (min(SIDE, side) for side in image.shape[2:])
    parts = image.split(PART)  # 10,000 images of CIFAR-10 at once would be 120 MB as float
    return (
        torch.cat([adaptive_avg_pool2d(part.cpu().float() / 255, (height, width)) for part in parts])
        .flatten(1)
        .double()
    )
