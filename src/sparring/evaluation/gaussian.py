"""What a Gaussian per class, fitted to the training images in pixel space, gets as samples: what a generator has to beat.

A generator whose samples are worse at the end than these has never learned: their classes are right, and all else is blur and
noise. It is the negative control of `data/mix=gaussian`, measured.
"""

from collections.abc import Sequence

import torch

from sparring.core.randomness import generator
from sparring.core.types import Batch
from sparring.data.mix.gaussian import drawn, estimated_shrinkage
from sparring.evaluation.features import RealFeatures
from sparring.metric.suite import measure

MOST = 2000  # training images of a class that are fitted to


def gaussian_values(real: RealFeatures, *, split: str, names: Sequence[str], k: int, count: int) -> dict[str, float]:
    """Metrics of `count` samples as `SampleMonitor` measures a generator's; empty where no class has two labelled images.

    Of this process alone, whatever the others do.

    Args:
        real: features of the data. split: that samples are measured against.
        names: keys of METRICS. k: neighbours of precision, recall, density and coverage.
        count: samples, equally many of each class that has two or more images, up to one.
    """
    samples = gaussian_samples(real.data.whole("train"), real.num_classes, count)
    if samples is None:
        return {}
    values = measure(real.of(samples), real.reference(split, names), names=names, k=k)
    return {name: float("nan") if each.value is None else each.value for name, each in values.items()}


def gaussian_samples(train: Batch, num_classes: int, count: int) -> Batch | None:
    """`count` uint8 images with their labels, the same for the same images; None where no class has two.

    Args:
        train: image (N, C, H, W) uint8; label (N,), those outside 0..num_classes-1 are left out.
    """
    rows = [(train.label == k).nonzero().flatten()[:MOST] for k in range(num_classes)]
    known = [k for k, each in enumerate(rows) if len(each) > 1]
    if not known:
        return None
    label = torch.tensor(known)[torch.arange(count) % len(known)].sort().values
    images = []
    for k in known:
        flat = train.image[rows[k]].cpu().flatten(1).double()
        images.append(
            drawn(flat, estimated_shrinkage(flat), int((label == k).sum()), generator("per-class gaussian", k))
        )
    return Batch(torch.cat(images).view(-1, *train.image.shape[1:]), label)
