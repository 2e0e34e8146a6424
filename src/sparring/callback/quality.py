"""Quality of the samples on the clock: cheap, against val, recorded, and what `best` means."""

import copy
import csv
import io
import json
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from omegaconf import DictConfig, OmegaConf

from sparring.callback.checkpoint import save_best, save_weights
from sparring.core.atomic import write_atomic
from sparring.core.distributed import any_rank, average_buffers, mean_over_ranks
from sparring.core.errors import ConfigError, DiskError
from sparring.core.randomness import seed_of
from sparring.core.types import Batch
from sparring.evaluation.measure import Sides
from sparring.evaluation.reference import attach_network
from sparring.generation.sampler import Sampler, joined
from sparring.metric.features.base import Features
from sparring.metric.naming import metric_name
from sparring.metric.suite import METRICS, check_names, measure
from sparring.model.game import Game

log = logging.getLogger(__name__)
SPLIT = "val"
MEASUREMENTS = 10  # over the budget, where `every` is null


@dataclass(frozen=True)
class Measurement:
    """One point of the quality curve. values: by metric, NaN where it has none. best: whether it was the best so far."""

    iteration: int
    images_seen: int
    values: dict[str, float]
    best: bool


class Quality(L.Callback):
    """Every `every` iterations: `count` samples of the averaged generator against the val split.

    Leaves `quality.csv` (one row per measurement), `quality.json` (the protocol), `weights_best.safetensors` and
    `checkpoints/best.ckpt`. The samples of a measurement depend on the run's seed and the iteration alone.

    Measuring and keeping the best state may take `most_share` of the time that training takes without them: a measurement that
    would exceed it is left out, and the log says so once. The first and the last are always taken, so a run of a few seconds
    may exceed it. What is left out depends on the machine; with `most_share: null` nothing is, and runs are repeatable.
    """

    def __init__(
        self, *, features: Features, metric: str, names: Sequence[str], k: int, count: int, every: int | None,
        most_share: float | None, keep_weights: bool, cache_dir: str, run_dir: str, log_dir: str,
    ) -> None:  # fmt: skip
        self.names = check_names(names)
        if metric not in self.names or METRICS[metric][1] is None:
            raise ConfigError(
                f"callback.quality.metric={metric} must be one of its names={self.names} that has a better end."
            )
        if count < 2 or (every is not None and every < 1) or (most_share is not None and not 0 < most_share <= 1):
            raise ConfigError(
                f"callback.quality needs count >= 2, every >= 1 or null and most_share in (0, 1] or null, got count={count}, "
                f"every={every}, most_share={most_share}."
            )
        self.features, self.metric, self.k, self.count, self.every = features, metric, k, count, every
        self.most_share, self.keep_weights = most_share, keep_weights
        self.cache_dir, self.run_dir, self.log_dir = Path(cache_dir), Path(run_dir), Path(log_dir)
        self.higher = bool(METRICS[metric][1])
        self.history: list[Measurement] = []
        self.spent = self.trained = 0.0  # seconds of measuring, and of everything, over all processes of this run
        self._since: float | None = None
        self._sides: Sides | None = None
        self._told = False

    @property
    def best(self) -> Measurement | None:
        """The newest measurement that was the best when it was taken."""
        return next((each for each in reversed(self.history) if each.best), None)

    def better(self, value: float, than: float, *, by: float = 0.0) -> bool:
        """Whether `value` is better than `than` by more than the share `by` of it. NaN is never better, and worse than all."""
        if math.isnan(than):
            return not math.isnan(value)
        margin = by * abs(than)
        return value > than + margin if self.higher else value < than - margin

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        if not pl_module.draws_images:
            raise ConfigError(
                f"callback=quality measures generators and {type(pl_module).__name__} has none; leave it out."
            )
        if trainer.is_global_zero and self._sides is None:
            data: Any = trainer.datamodule  # type: ignore[attr-defined]
            config = OmegaConf.load(self.run_dir / ".hydra" / "config.yaml")
            assert isinstance(config, DictConfig)
            attach_network(self.features, data=config.data, cache_dir=self.cache_dir, log_dir=self.log_dir)
            self.features.to(pl_module.device)
            self._sides = Sides(data, self.features, self.cache_dir)
            self._write_protocol(data)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._since = time.perf_counter()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        iteration = pl_module.clock.iteration
        every = self.every or max(1, trainer.max_steps // MEASUREMENTS)
        if iteration % every and iteration != trainer.max_steps:
            return
        if any_rank(int(self._too_dear(iteration == trainer.max_steps))):
            return
        self.take(trainer, pl_module)

    def take(self, trainer: L.Trainer, module: Game) -> Measurement:
        """Measure now, and keep the state if it is the best; every device must call it."""
        values = self.values(trainer, module, draw=0)
        started = time.perf_counter()
        before = self.best
        best = self.better(values[self.metric], math.nan if before is None else before.values[self.metric])
        found = Measurement(module.clock.iteration, module.clock.images_seen, values, best)
        self.history.append(found)
        if best:
            save_best(trainer, module, self.run_dir)
        if trainer.is_global_zero:
            try:
                self._record(trainer, module, found)
            except DiskError as error:  # costs the record, which the next measurement writes whole, not the run
                log.warning("The quality of iteration %d could not be recorded: %s", found.iteration, error)
        self.spent += time.perf_counter() - started
        return found

    def values(self, trainer: L.Trainer, module: Game, *, draw: int) -> dict[str, float]:
        """The metrics of an independent set of samples, number `draw`; the same on every device."""
        started = time.perf_counter()
        average_buffers(module)
        found = self._measured(module, draw) if trainer.is_global_zero else [0.0] * len(self.names)
        # The others add zeros: a mean over the ranks, times their number, is the first one's value.
        shared = mean_over_ranks(torch.tensor(found, dtype=torch.float64)) * trainer.world_size
        self.spent += time.perf_counter() - started
        return dict(zip(self.names, shared.tolist(), strict=True))

    def _measured(self, module: Any, draw: int) -> list[float]:
        assert self._sides is not None
        generator = copy.deepcopy(module.ema).float()
        seed = seed_of("quality", module.seed, module.clock.iteration, draw)
        sampler = Sampler(
            generator, latent_dim=module.latent_dim, num_classes=module.num_classes if module.conditional else None,
            count=self.count, seed=seed, batch_size=256, device=module.device,
        )  # fmt: skip
        samples = joined(sampler)
        side = self._sides.of(Batch(samples.image, samples.label))
        found = measure(side, self._sides.reference(SPLIT, self.names), names=self.names, k=self.k)
        return [float("nan") if (value := found[name].value) is None else value for name in self.names]

    # -- records -------------------------------------------------------------------------------------------------------

    def _too_dear(self, last: bool) -> bool:
        """Whether one more measurement, as dear as the mean so far, would leave too little for the last, which is taken."""
        now = time.perf_counter()
        if self._since is not None:
            self.trained += now - self._since
            self._since = now
        if self.most_share is None or not self.history or last:
            return False
        expected = self.spent * (1 + 2 / len(self.history))
        dear = expected > self.most_share * (self.trained - self.spent)
        if dear and not self._told:
            self._told = True
            log.warning(
                "Measuring quality takes %.1f s each time, more than callback.quality.most_share=%g of the training time: "
                "some measurements are left out.", self.spent / len(self.history), self.most_share,
            )  # fmt: skip
        return dear

    def _record(self, trainer: L.Trainer, module: Game, found: Measurement) -> None:
        clock = {"iteration": found.iteration, "images_seen": found.images_seen}
        scalars = {
            f"quality/{metric_name(name, self.features, self.count)}": value for name, value in found.values.items()
        }
        for logger in trainer.loggers:
            logger.log_metrics({"images_seen": found.images_seen, **scalars}, step=found.iteration)
        text = io.StringIO()
        table = csv.DictWriter(text, [*clock, *self.names, "best"], lineterminator="\n")
        table.writeheader()
        for each in self.history:
            table.writerow(
                {"iteration": each.iteration, "images_seen": each.images_seen, **each.values, "best": int(each.best)}
            )
        write_atomic(self.run_dir / "quality.csv", text.getvalue().encode())
        if self.keep_weights:
            name = f"quality_{found.iteration:08d}.safetensors"
            save_weights(self.run_dir, module, trainer.datamodule, file=self.run_dir / "checkpoints" / name)  # type: ignore[attr-defined]

    def _write_protocol(self, data: Any) -> None:
        content = {
            "metric": self.metric, "better": "higher" if self.higher else "lower", "names": self.names, "count": self.count,
            "features": self.features.protocol(), "reference": SPLIT, "fingerprint": data.fingerprints()[SPLIT],
            "weights": "ema", "k": self.k,
        }  # fmt: skip
        write_atomic(self.run_dir / "quality.json", (json.dumps(content, indent=2) + os.linesep).encode())

    # -- resume --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"history": [asdict(each) for each in self.history], "spent": self.spent, "trained": self.trained}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = [Measurement(**each) for each in state_dict["history"]]
        self.spent, self.trained = state_dict["spent"], state_dict["trained"]
