"""Quality of the samples while a generator trains: cheap, against val, recorded, and what `best` means."""

import copy
import json
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as L

from sparring.callback.checkpoint import save_best, save_measured
from sparring.core.atomic import write_atomic
from sparring.core.distributed import any_rank
from sparring.core.errors import ConfigError, DiskError
from sparring.core.randomness import seed_of
from sparring.core.sharding import settle
from sparring.evaluation.curve import CurvePoint, csv_of
from sparring.evaluation.features import RealFeatures
from sparring.evaluation.gaussian import gaussian_values
from sparring.evaluation.monitor import SampleMonitor
from sparring.evaluation.reference import attach_network
from sparring.metric.features.base import Features
from sparring.metric.naming import metric_name
from sparring.metric.suite import METRICS, check_names
from sparring.model.game import Game
from sparring.run.settings import read_settings
from sparring.trained.runs import Runs

log = logging.getLogger(__name__)
SPLIT = "val"
MEASUREMENTS = 10  # over the budget, where `every` is null


class Quality(L.Callback):
    """Every `every` iterations: `count` samples of the averaged generator against the val split.

    Leaves `quality.csv` (one row per measurement), `quality.json` (the protocol, and what a Gaussian per class gets),
    `weights_best.safetensors` and `checkpoints/best.ckpt`. The samples of a measurement depend on the run's seed and the
    iteration alone. Each device draws a share of them; the first computes the values.

    Measuring and keeping the best state may take `max_time_share` of the time that training takes without them: a
    measurement that would exceed it is left out, and the log says so once. The first and the last are always taken, so a
    run of a few seconds may exceed it. What is left out depends on the machine; with `max_time_share: null` nothing is, and
    runs are repeatable.

    `conf/callback/quality.yaml` says what each argument means.

    Raises:
        ConfigError: a metric that does not exist or has no better end, or a number out of range.
    """

    def __init__(
        self, *, features: Features, metric: str, names: Sequence[str], k: int, count: int, every: int | None,
        max_time_share: float | None, keep_weights: bool, cache_dir: str, run_dir: str, log_dir: str,
    ) -> None:  # fmt: skip
        self.names = check_names(names)
        if metric not in self.names or METRICS[metric].higher_is_better is None:
            raise ConfigError(
                f"callback.quality.metric={metric} must be one of its names={self.names} that has a better end."
            )
        if (
            count < 2
            or (every is not None and every < 1)
            or (max_time_share is not None and not 0 < max_time_share <= 1)
        ):
            raise ConfigError(
                f"callback.quality needs count >= 2, every >= 1 or null and max_time_share in (0, 1] or null, got count={count}, "
                f"every={every}, max_time_share={max_time_share}."
            )
        self.features, self.metric, self.k, self.count, self.every = features, metric, k, count, every
        self.max_time_share, self.keep_weights = max_time_share, keep_weights
        self.cache_dir, self.run_dir, self.log_dir = Path(cache_dir), Path(run_dir), Path(log_dir)
        self.higher = bool(METRICS[metric].higher_is_better)
        self.history: list[CurvePoint] = []
        self.gaussian: dict[str, float] = {}  # what a Gaussian per class gets, on the first device
        self.spent = self.trained = 0.0  # seconds of measuring, and of everything, over all processes of this run
        self._since: float | None = None
        self._monitor: SampleMonitor | None = None
        self._warned = False

    @property
    def best(self) -> CurvePoint | None:
        """The newest measurement that was the best when it was taken."""
        return next((each for each in reversed(self.history) if each.best), None)

    @property
    def unlearned(self) -> str:
        """That the newest measurement is worse than a Gaussian per class, as a phrase; empty where it is not."""
        known = self.gaussian.get(self.metric, math.nan)
        if not self.history or math.isnan(known) or not self.better(known, self.history[-1].values[self.metric]):
            return ""
        last = self.history[-1]
        values = f"{self.metric} {last.values[self.metric]:.3g} after {last.iteration} iterations, {known:.3g}"
        return f"its images are worse than those of a Gaussian per class, so it has not learned: {values}"

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
        if self.count < trainer.world_size:
            raise ConfigError(
                f"callback.quality.count={self.count} is below the {trainer.world_size} devices, each of which draws a share;"
                f" give {trainer.world_size} or more."
            )
        if self._monitor is None:
            self._start_monitor(trainer, pl_module)

    def _start_monitor(self, trainer: L.Trainer, module: Game) -> None:
        """Make the extractor ready: on the first device before the others, which then find its weights in the cache."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        first, settings = trainer.is_global_zero, None  # settings: the section `data` as plain values
        if first:
            settings = read_settings(self.run_dir)["data"]
            self._attach(settings)
        settings = trainer.strategy.broadcast(settings)  # other devices may have no run directory of their own
        if not first:
            self._attach(settings)
        self.features.to(module.device)
        protocol = trainer.strategy.broadcast(self.features.protocol())
        if any_rank(int(protocol != self.features.protocol())):
            raise ConfigError(
                "callback.quality's feature network differs between the devices; give all nodes one paths.cache_dir."
            )
        real = RealFeatures(data, self.features, self.cache_dir) if first else None
        measured: dict[str, Any] = {"split": SPLIT, "names": self.names, "k": self.k, "count": self.count}
        self._monitor = SampleMonitor(self.features, real, **measured)
        if real is not None:
            if self.features.name != "pixels":  # nothing beats it where it is fitted to what is measured
                self.gaussian = gaussian_values(real, **measured)
            self._write_protocol(data)

    def _attach(self, settings: Any) -> None:
        attach_network(self.features, data=settings, cache_dir=self.cache_dir, runs=Runs(self.log_dir))
        self.features.protocol()  # fetches published weights

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
        if any_rank(int(self._exceeds_time_share(iteration == trainer.max_steps))):
            return
        self.take(trainer, pl_module)

    def take(self, trainer: L.Trainer, module: Game) -> CurvePoint:
        """Measure, and keep the state if it is the best; every device must call it."""
        values = self.values(trainer, module, draw=0)
        started = time.perf_counter()
        before = self.best
        best = self.better(values[self.metric], math.nan if before is None else before.values[self.metric])
        measurement = CurvePoint(module.clock.iteration, module.clock.images_seen, values, best)
        self.history.append(measurement)
        if best:
            save_best(trainer, module, self.run_dir)
        try:
            if trainer.is_global_zero:
                self._record(trainer, measurement)
        except DiskError as error:  # costs the record, which the next measurement writes whole, not the run
            log.warning("The quality of iteration %d could not be recorded: %s", measurement.iteration, error)
        if self.keep_weights:
            save_measured(trainer, module, self.run_dir)  # on every device, whatever became of the record
        self.spent += time.perf_counter() - started
        return measurement

    def values(self, trainer: L.Trainer, module: Game, *, draw: int) -> dict[str, float]:
        """The metrics of independent set of samples number `draw`, the same on every device; each must call it."""
        started = time.perf_counter()
        settle(module)
        values = self._measured(trainer, module, draw)
        values = trainer.strategy.broadcast(values)  # the first device's decide, so that all decide alike
        self.spent += time.perf_counter() - started
        return values

    def _measured(self, trainer: L.Trainer, module: Any, draw: int) -> dict[str, float]:
        """The values on the first device; nothing on the others, which draw their share."""
        assert self._monitor is not None
        return self._monitor.values(
            copy.deepcopy(module.ema).float(), latent_dim=module.latent_dim,
            num_classes=module.num_classes if module.conditional else None,
            seed=seed_of("quality", module.seed, module.clock.iteration, draw), device=module.device,
            rank=trainer.global_rank, world=trainer.world_size,
        )  # fmt: skip

    # -- records -------------------------------------------------------------------------------------------------------

    def _exceeds_time_share(self, last: bool) -> bool:
        """Whether one more measurement, at the mean cost so far, would leave too little time for the last, which is taken."""
        now = time.perf_counter()
        if self._since is not None:
            self.trained += now - self._since
            self._since = now
        if self.max_time_share is None or not self.history or last:
            return False
        expected = self.spent * (1 + 2 / len(self.history))
        exceeds = expected > self.max_time_share * (self.trained - self.spent)
        if exceeds and not self._warned:
            self._warned = True
            log.warning(
                "Measuring quality takes %.1f s each time, more than callback.quality.max_time_share=%g of the training time: "
                "some measurements are left out.", self.spent / len(self.history), self.max_time_share,
            )  # fmt: skip
        return exceeds

    def _record(self, trainer: L.Trainer, measurement: CurvePoint) -> None:
        scalars = {
            f"quality/{metric_name(name, self.features, self.count)}": value
            for name, value in measurement.values.items()
        }
        for logger in trainer.loggers:
            logger.log_metrics({"images_seen": measurement.images_seen, **scalars}, step=measurement.iteration)
        write_atomic(self.run_dir / "quality.csv", csv_of(self.history, self.names))

    def _write_protocol(self, data: Any) -> None:
        content = {
            "metric": self.metric, "better": "higher" if self.higher else "lower", "names": self.names, "count": self.count,
            "features": self.features.protocol(), "split": SPLIT, "fingerprint": data.fingerprints()[SPLIT],
            "weights": "ema", "k": self.k,
            "per_class_gaussian": {name: value for name, value in self.gaussian.items() if math.isfinite(value)},
        }  # fmt: skip
        write_atomic(self.run_dir / "quality.json", (json.dumps(content, indent=2) + os.linesep).encode())

    # -- resume --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"history": [asdict(each) for each in self.history], "spent": self.spent, "trained": self.trained}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = [CurvePoint(**each) for each in state_dict["history"]]
        self.spent, self.trained = state_dict["spent"], state_dict["trained"]
