"""Trained networks that label and filter the images of a mix."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.core.pixels import normalise
from sparring.core.task import Task, check_same_task
from sparring.core.types import TrainedNetwork
from sparring.data.mix.base import Context, Scorer
from sparring.data.serving import provenance
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs

BATCH = 256


@dataclass(frozen=True)
class RunScorers:
    """`data.mix.base.EarlierRuns` over the run directories of `log_dir`."""

    runs: Runs

    def find(self, given: str) -> Path:
        """The directory of a run as typed."""
        return self.runs.find(given)

    def classifier(self, given: str, context: Context, key: str) -> Scorer:
        """The classifier of a run as typed: (images, labels) -> logits (N, K).

        Args:
            key: the setting that names the run, for messages.

        Raises:
            CheckpointError: no such run, or no classifier.
            DataError: it knows other classes or another image shape than the data of `context`.
        """
        run = self.runs.open(given)
        loaded = self.runs.classifier(run)
        _check(f"{key}={given}", loaded, context)
        return _scorer(run, loaded, lambda image, label: loaded.network(image))

    def discriminator(self, given: str, context: Context, key: str) -> Scorer:
        """The discriminator of a GAN's run as typed: (images, labels) -> logits (N,). Arguments and errors as `classifier`."""
        run = self.runs.open(given)
        loaded = self.runs.discriminator(run)
        _check(f"{key}={given}", loaded, context)
        return _scorer(run, loaded, loaded.network)


def _check(name: str, loaded: TrainedNetwork, context: Context) -> None:
    wanted = Task(context.shape.channels, context.shape.image_size, context.class_names)
    check_same_task(name, loaded.task, other="this run", wanted=wanted, needs="give a run on data")


def _scorer(run: RunDir, loaded: TrainedNetwork, network: nn.Module | Callable[..., Tensor]) -> Scorer:
    @torch.no_grad()
    def score(image: Tensor, label: Tensor) -> Tensor:
        parts = zip(image.split(BATCH), label.split(BATCH), strict=True)
        return torch.cat([network(normalise(x), y).float() for x, y in parts])

    records = provenance.load(run.path, fingerprints=loaded.origin["fingerprints"])
    return Scorer(score, tuple(records), loaded.origin)
