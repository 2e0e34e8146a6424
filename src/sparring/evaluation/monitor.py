"""Quality of a generator's samples while it trains, measured by all processes together."""

from collections.abc import Sequence

import torch
from torch import nn

from sparring.evaluation.features import RealFeatures
from sparring.generation.sampler import Sampler, joined
from sparring.metric.features.base import Features
from sparring.metric.stateful import SampleMetrics
from sparring.metric.suite import ImageFeatures

BATCH = 256  # samples drawn together


class SampleMonitor:
    """Draws the same samples whatever the number of processes, each process a share of them, and measures them together.

    Args:
        extractor: ready for use, the same on every process.
        real: features of the data; None on every process but the first, which alone computes values.
        split: of the data, that samples are measured against.
        names: keys of METRICS.
        k: neighbours of precision, recall, density and coverage.
        count: samples over all processes.
    """

    def __init__(
        self, extractor: Features, real: RealFeatures | None, *, split: str, names: Sequence[str], k: int, count: int
    ) -> None:
        self.extractor, self.count = extractor, count
        reference = None if real is None else real.reference(split, names)
        self.metric = SampleMetrics(names=names, k=k, reference=reference)

    def values(
        self, generator: nn.Module, *, latent_dim: int, num_classes: int | None, seed: int, device: torch.device,
        rank: int, world: int,
    ) -> dict[str, float]:  # fmt: skip
        """By metric, NaN where it has no value; empty on a process without `real`. All processes must call it.

        Args:
            generator: (latent (N, latent_dim), label (N,)) -> images (N, C, H, W) in [-1, 1], on `device`.
            latent_dim: size of its latents.
            num_classes: classes that it knows, None if it is unconditional.
            seed: of the samples.
            device: where they are drawn.
            rank, world: this process and the number of processes.

        Raises:
            DivergedError: the generator returns NaN or infinity. DataError: the features hold NaN.
        """
        share = torch.arange(self.count).tensor_split(world)[rank]
        sampler = Sampler(
            generator, latent_dim=latent_dim, num_classes=num_classes, start=int(share[0]), count=len(share), seed=seed,
            batch_size=BATCH, device=device,
        )  # fmt: skip
        samples = joined(sampler)
        extracted = self.extractor.extract(samples.image)
        self.metric.update(ImageFeatures(extracted.features, extracted.logits, samples.label))
        values = self.metric.values()
        self.metric.reset()
        return {name: float("nan") if each.value is None else each.value for name, each in values.items()}
