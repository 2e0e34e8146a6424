"""Keeps the weights of the best validation, against robust overfitting (Rice et al. 2020), and may stop when it is long past."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as L

from sparring.callback.checkpoint import save_best
from sparring.callback.quality import Quality
from sparring.callback.scalars import Scalars
from sparring.core.errors import ConfigError
from sparring.core.wording import listing
from sparring.model.game import Game
from sparring.model.robust_validation import ROBUST

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Validation:
    """The value of one validation."""

    iteration: int
    images_seen: int
    value: float


class Best(L.Callback):
    """Writes `weights_best.safetensors` and `checkpoints/best.ckpt` at every validation that is better than all before.

    Idle in runs without a robust accuracy, where that is the metric. Decided before the run's state is saved, and part of
    it: a resumed run knows its best. All devices see the same value and take the same decision. `sentence` says why the run
    was stopped.
    """

    def __init__(self, *, metric: str, patience: int | None, run_dir: str) -> None:
        if patience is not None and patience < 1:
            raise ConfigError(f"callback.best.patience={patience} counts validations and must be at least 1, or null.")
        self.metric, self.patience, self.run_dir = metric, patience, Path(run_dir)
        self.best: Validation | None = None
        self.last: Validation | None = None
        self.waited = 0
        self.sentence = ""
        self.trained_on = False  # whether a run that this has stopped, and that was concluded, is trained on

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.trained_on:
            self.sentence = ""
        elif self.sentence:  # it was killed between the decision and its conclusion
            trainer.should_stop = True
        robust = getattr(pl_module, "robust", None)
        if self.metric == ROBUST and (robust is None or robust.validation is None):
            if self.patience is not None:
                raise ConfigError(
                    f"callback.best.patience={self.patience} waits for {ROBUST}, which this run has not: set model/robust=pgd_at,"
                    " or another callback.best.metric, such as val/accuracy."
                )
        elif any(isinstance(each, Quality) for each in trainer.callbacks):  # type: ignore[attr-defined]
            raise ConfigError(
                "callback.quality and callback.best would both keep their best weights in weights_best.safetensors: leave one "
                "out, with callback.best=null or callback.quality=null."
            )

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        scalars = _scalars(trainer).validated
        if self.metric not in scalars:
            if self.metric != ROBUST:
                measured = listing(sorted(scalars) or ["nothing"])
                raise ConfigError(f"callback.best.metric={self.metric} is not measured; choose among {measured}.")
            return
        clock = pl_module.clock
        self.last = Validation(clock.iteration, clock.images_seen, scalars[self.metric])
        if self.best is None or self.last.value > self.best.value:
            self.best, self.waited = self.last, 0
            save_best(trainer, pl_module, self.run_dir)
            return
        self.waited += 1
        if self.patience is not None and self.waited >= self.patience:
            since = f"{self.metric} has not improved on {self.best.value:.4g} in {self.waited} validations"
            self.sentence = f"no longer improving: {since}"
            trainer.should_stop = True

    def record(self) -> dict[str, Any] | None:
        """The entry in result.json: the best and the last validation; None in a run that has not the metric."""
        if self.best is None or self.last is None:
            return None
        return {"metric": self.metric, "best": asdict(self.best), "last": asdict(self.last)}

    def state_dict(self) -> dict[str, Any]:
        each = {"best": self.best, "last": self.last}
        values = {name: asdict(value) if value else None for name, value in each.items()}
        return values | {"waited": self.waited, "sentence": self.sentence}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.last = (
            Validation(**state_dict[name]) if state_dict[name] else None for name in ("best", "last")
        )
        self.waited, self.sentence = state_dict["waited"], state_dict.get("sentence", "")


def _scalars(trainer: L.Trainer) -> Scalars:
    return next(each for each in trainer.callbacks if isinstance(each, Scalars))  # type: ignore[attr-defined]
