"""A run directory as an object: what it says, and the networks in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from sparring.api import page
from sparring.config.build import NOTHING, Builder, build
from sparring.core.errors import CheckpointError
from sparring.report.record import MetricTable
from sparring.run.directory import RunDir

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from sparring.trained.networks import TrainedGenerator
    from sparring.trained.runs import Runs


class Run:
    """One run of any verb. Everything is read from its directory when it is asked for.

    >>> import sparring
    >>> run = sparring.train("model=rpgan", "data.image_size=8", "trainer.max_steps=2", "report=false")
    >>> run.status, run.config.data.name, len(run.history["iteration"]) > 0
    ('finished', 'digits', True)
    >>> images, labels = run.sample(20, label="balanced", seed=0)
    >>> images.shape, float(images.min()) >= 0, labels[:3].tolist()
    (torch.Size([20, 1, 8, 8]), True, [0, 1, 2])
    >>> run.discriminator_features(images).shape[0]
    20

    In a notebook it shows its newest picture and its headline numbers.
    """

    def __init__(
        self, directory: RunDir, *, networks: "Mapping[str, nn.Module]" = NOTHING, build: Builder = build
    ) -> None:
        """Use `sparring.open` or `sparring.train`.

        Args:
            networks: those that were made in Python, by name.
            build: what builds the run's models.
        """
        self._directory, self.networks, self.build = directory, dict(networks), build
        self._generators: dict[tuple[str, str | int], TrainedGenerator] = {}

    # -- what the directory says -----------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        return self._directory.path

    @property
    def config(self) -> DictConfig:
        """The settings that it ran with, resolved. Raises CheckpointError: the file is damaged."""
        config = OmegaConf.create(self._directory.config)
        OmegaConf.set_struct(config, True)
        return config

    @property
    def status(self) -> str:
        """running, finished, interrupted, failed or diverged; "killed" where it stopped without a word, "none" before it says."""
        status = self._directory.status() or {"state": "none"}
        killed = status["state"] == "running" and not self._directory.is_being_written()
        return "killed" if killed else str(status["state"])

    @property
    def reason(self) -> str:
        """The sentence that goes with `status`."""
        return str((self._directory.status() or {}).get("reason", ""))

    @property
    def result(self) -> dict[str, Any]:
        """Everything in result.json. Raises CheckpointError: the run did not finish."""
        return self._directory.result()

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """name -> {"value", "std", "interval", "protocol", "direction"}, as result.json has it; empty for a GAN's training.

        std, interval: None where none was measured. direction: "higher", "lower" or "near_reference", which values are better.

        Raises:
            CheckpointError: the run did not finish.
        """
        return dict(self.result["metrics"])

    @property
    def history(self) -> dict[str, np.ndarray]:
        """metrics.csv: a float64 array per scalar, one value per logged iteration, NaN where it was not logged then.

        Always has "iteration" and "images_seen", the x-axes. Empty arrays for a verb that trains nothing.
        """
        table = MetricTable.read(self._directory.metrics_csv)
        names = table.header or ["iteration", "images_seen"]
        return {name: np.array(table.column(name) if table.header else [], dtype=np.float64) for name in names}

    @property
    def report(self) -> Path | None:
        """report.html, where the run wrote one."""
        return self._directory.report if self._directory.report.exists() else None

    def __repr__(self) -> str:
        here = Path.cwd()
        path = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        return f"<sparring.Run {path}: {self.status}>"

    def _repr_html_(self) -> str:
        try:
            result = self.result
        except CheckpointError:  # it did not finish
            result = {}
        return page.html(self.path, f"{self.status}: {self.reason}".rstrip(": "), result)

    # -- networks --------------------------------------------------------------------------------------------------------

    def sample(
        self,
        count: int = 16,
        *,
        label: str | int = "balanced",
        seed: int = 0,
        truncation: float | None = None,
        weights: str = "ema",
        checkpoint: str | int = "last",
        device: str = "auto",
        dtype: "torch.dtype | None" = None,
    ) -> "tuple[Tensor, Tensor]":
        """Images 0 to `count - 1` of seed `seed`: image i is the one that the command `generate` draws.

        Args:
            label: "balanced" (0, 1, 2, ... in turn), "prior" (as often as in the training data), or one class index.
            truncation: latents from a normal cut at +-truncation, or psi of stylegan2's styles; None for neither.
            weights: "ema", the averaged generator, or "generator".
            checkpoint: "last", "best", or an iteration whose weights the run kept.
            dtype: float32 (not given) for images in [0, 1], or torch.uint8 for the bytes that `generate` writes.

        Returns:
            images (N, C, H, W) and labels (N,) int64, -1 from an unconditional generator, both on the CPU.

        Raises:
            CheckpointError: the run has no generator, or no such weights. ConfigError: a setting out of range, or the
                generator is a Python object that was not given to `sparring.open`.
        """
        from sparring.api.sampling import sampled

        return sampled(
            self._trained_generator(weights, checkpoint), count, label=label, seed=seed, truncation=truncation,
            device=device, dtype=dtype,
        )  # fmt: skip

    @property
    def generator(self) -> "nn.Module":
        """The averaged generator: (latent (N, L), label (N,) int64) -> images (N, C, H, W) in [-1, 1]; on the CPU, in eval mode.

        Raises: as `sample`.
        """
        return self._trained_generator("ema", "last").network

    @property
    def discriminator(self) -> "nn.Module":
        """The discriminator: (images (N, C, H, W) in [-1, 1], labels (N,) int64) -> logits (N,); on the CPU, in eval mode.

        Raises:
            CheckpointError: the run has none. ConfigError: as `sample`.
        """
        return self._runs().discriminator(self._directory).network

    def discriminator_features(self, images: Any) -> "Tensor":
        """What the trained discriminator's head reads: (N, F) float32 on the CPU, without a graph.

        Args:
            images: (N, C, H, W), uint8 or floats in [0, 1], of the run's shape.

        Raises:
            DataError: images of another kind or shape. CheckpointError, ConfigError: as `discriminator`.
        """
        from sparring.api.sampling import features

        data = self.config.data
        return features(self.discriminator, images, (data.channels, data.image_size, data.image_size))

    def classifier(self, *, unit_range: bool = True, checkpoint: str | int = "last") -> "nn.Module":
        """The classifier that the run trained: images (N, C, H, W) -> logits (N, K); on the CPU, in eval mode, weights frozen.

        Args:
            unit_range: whether it takes images in [0, 1], as `sparring.attack` and most libraries give them; else in [-1, 1].
            checkpoint: as `sample` takes it.

        Raises:
            CheckpointError: the run trained none. ConfigError: it is a Python object that was not given to `sparring.open`.
        """
        from sparring.attack.evaluation.target import UnitRange

        network = self._runs().classifier(self._directory, checkpoint=checkpoint).network
        return UnitRange(network).eval() if unit_range else network

    def _trained_generator(self, weights: str, checkpoint: str | int) -> "TrainedGenerator":
        key = weights, checkpoint
        if key not in self._generators:
            self._generators[key] = self._runs().generator(self._directory, weights=weights, checkpoint=checkpoint)
        return self._generators[key]

    def _runs(self) -> "Runs":
        """The door to the run's networks; torch is loaded here."""
        from sparring.trained.runs import Runs

        return Runs(build=self.build, networks=self.networks)
