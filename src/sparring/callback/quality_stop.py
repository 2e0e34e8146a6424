"""Ends a run when its samples are good enough, no longer improve, or have collapsed, and says which."""

import logging
import math
from collections.abc import Callable
from typing import Any, Literal

import lightning.pytorch as L

from sparring.callback.quality import Quality
from sparring.callback.support.trouble import Decision, alert, rates_of, roll_back
from sparring.core.errors import CheckpointError, ConfigError
from sparring.evaluation.curve import CurvePoint
from sparring.model.game import Game

log = logging.getLogger(__name__)
NEEDS = {"lost_balance": "balance", "lost_diversity": "diversity", "class_ignored": "agreement"}
WITHOUT_VALUE = {
    "balance": "the features of callback.quality predict no classes of the data; choose metric/features=classifier",
    "agreement": "it needs a conditional generator and metric/features=classifier",
    "diversity": "it needs a conditional generator",
}
NEAR_ZERO = ("kid", "balance")  # good values are near 0, so that ratios to the best mean nothing
Reason = Literal["reached", "no longer improving", "collapsed", "class ignored"]


def chance_level(num_classes: int, share: float, best: float = 1.0) -> float:
    """The agreement that lies `share` of the way from chance to `best`; below it, labels have no effect."""
    chance = 1 / num_classes
    return chance + share * max(best - chance, 0.0)


class QualityStop(L.Callback):
    """Reads the measurements of `callback/quality`, which must be there and come before.

    All devices have the same values and so take the same decision. A stop is confirmed by an independent set of samples of
    the same state. `reason` and `sentence` say why the run ended; empty while it goes on.

    `conf/callback/quality_stop.yaml` says what each argument means.

    Raises:
        ConfigError: nothing that would stop a run, or a number out of range.
    """

    def __init__(
        self, *, target: float | None, patience: int | None, min_improvement: float, confirm: bool, collapse: float | None,
        lost_balance: float | None, lost_diversity: float | None, class_ignored: float | None,
        on_collapse: Literal["stop", "rollback"], max_rollbacks: int, keep_best: bool,
    ) -> None:  # fmt: skip
        if all(each is None for each in (target, patience, collapse, lost_balance, lost_diversity, class_ignored)):
            raise ConfigError(
                "callback.quality_stop has no target, patience, collapse, lost_balance, lost_diversity or class_ignored: nothing "
                "would stop it."
            )
        if (patience is not None and patience < 1) or min_improvement < 0 or (collapse is not None and collapse <= 1):
            raise ConfigError(
                f"callback.quality_stop needs patience >= 1, min_improvement >= 0 and collapse > 1, got {patience}, "
                f"{min_improvement} and {collapse}."
            )
        if on_collapse not in ("stop", "rollback"):
            raise ConfigError(f"callback.quality_stop.on_collapse={on_collapse} is unknown; give stop or rollback.")
        self.target, self.patience, self.min_improvement, self.confirm = target, patience, min_improvement, confirm
        self.collapse, self.lost_balance, self.on_collapse = collapse, lost_balance, on_collapse
        self.lost_diversity, self.class_ignored = lost_diversity, class_ignored
        self.max_rollbacks, self.keep_best = max_rollbacks, keep_best
        self.reason: Reason | Literal[""] = ""
        self.sentence = ""
        self.trained_on = False  # whether a run that this has stopped, and that was concluded, is trained on
        self.waited = self.rollbacks = self._measurements = 0
        self.decisions: list[Decision] = []
        self._level: float | None = None  # the value that the next one has to beat by min_improvement

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        quality = self._quality(trainer)
        if self.collapse is not None and quality.metric in NEAR_ZERO:
            raise ConfigError(
                f"callback.quality_stop.collapse={self.collapse:g} has no meaning for {quality.metric}, near 0 for a good"
                " generator: any value is then many times the best. Set it to null, or choose callback.quality.metric=fd."
            )
        for setting, metric in NEEDS.items():
            if getattr(self, setting) is not None and metric not in quality.names:
                raise ConfigError(
                    f"callback.quality_stop.{setting} needs {metric} among callback.quality.names, or set it to null."
                )
        if self.reason and self.trained_on:
            self.reason, self.sentence, self.waited = "", "", 0
        elif self.reason:  # it was killed between the decision and its conclusion
            trainer.should_stop = True

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        quality = self._quality(trainer)
        if len(quality.history) == self._measurements:
            return
        self._measurements = len(quality.history)
        self.decide(trainer, pl_module, quality, quality.history[-1])

    def decide(self, trainer: L.Trainer, module: Game, quality: Quality, measurement: CurvePoint) -> None:
        """Stop, roll back or go on after a measurement; every device must call it."""
        values = measurement.values
        value = values[quality.metric]
        if len(quality.history) == 1:
            self._say_what_has_no_effect(values)
        late = 2 * measurement.iteration >= trainer.max_steps
        self._count_patience(quality, value)
        if why := self.collapsed(quality, values, late=late):
            if not self._confirmed(trainer, module, quality, lambda new: bool(self.collapsed(quality, new, late=late))):
                return
            if self.on_collapse == "rollback" and self.rollbacks < self.max_rollbacks and quality.best is not None:
                self._roll_back(trainer, module, quality, why)
            else:
                self._stop(trainer, "collapsed", why)
        elif late and (why := self.unlearned(module, values)):
            if self._confirmed(trainer, module, quality, lambda new: bool(self.unlearned(module, new))):
                self._stop(trainer, "class ignored", why)
        elif self.reached(quality, value):
            if self._confirmed(trainer, module, quality, lambda values: self.reached(quality, values[quality.metric])):
                self._stop(trainer, "reached", f"{quality.metric} is {value:.4g}, the target is {self.target:g}")
        elif self.patience is not None and self.waited >= self.patience:
            level = self._level if self._level is not None else math.nan

            def no_better(values: dict[str, float]) -> bool:
                return not quality.better(values[quality.metric], level, by=self.min_improvement)

            if self._confirmed(trainer, module, quality, no_better):
                share = f" by {self.min_improvement:.3g} of it" if self.min_improvement else ""
                why = f"{quality.metric} has not improved on {level:.4g}{share} in {self.waited} measurements"
                self._stop(trainer, "no longer improving", why)
            else:
                self.waited = 0

    def reached(self, quality: Quality, value: float) -> bool:
        """Whether `value` is at least as good as the target."""
        return self.target is not None and (value >= self.target if quality.higher else value <= self.target)

    def collapsed(self, quality: Quality, values: dict[str, float], *, late: bool = False) -> str:
        """Why these values are a collapse, as a phrase; empty if they are none.

        Args:
            late: whether half of the budget is spent: from then on little diversity is a collapse even if there never was more.
        """
        value = values[quality.metric]
        if math.isnan(value):
            return f"{quality.metric} has no value"
        balance, had_balance = (
            values.get("balance", 0.0),
            self._had(quality, "balance", self.lost_balance, at_most=True),
        )
        if self.lost_balance is not None and balance > self.lost_balance and had_balance:
            return f"the predicted classes are {balance:.2f} away from the data's shares"
        diversity, limit = values.get("diversity", math.nan), self.lost_diversity
        if limit is not None and diversity < limit and (late or self._had(quality, "diversity", limit, at_most=False)):
            return f"images of one class hardly differ: their diversity is {diversity:.2g} of the real images'"
        best = quality.best.values[quality.metric] if quality.best is not None else value
        if self.collapse is None or best <= 0:
            return ""
        worse = best / value if quality.higher and value > 0 else value / best
        return f"{quality.metric} is {value:.4g} after a best of {best:.4g}" if worse > self.collapse else ""

    def unlearned(self, module: Any, values: dict[str, float]) -> str:
        """Why these values are those of a generator that has not learned the classes, as a phrase; empty if it has."""
        agreement = values.get("agreement", math.nan)
        if self.class_ignored is None or not agreement < chance_level(module.num_classes, self.class_ignored):
            return ""
        return f"samples are predicted as the class asked for in {agreement:.1%}, by chance in {1 / module.num_classes:.1%}"

    def _say_what_has_no_effect(self, values: dict[str, float]) -> None:
        for setting, metric in NEEDS.items():
            if getattr(self, setting) is not None and math.isnan(values.get(metric, 0.0)):
                log.warning(
                    "callback.quality_stop.%s has no effect: %s, or set it to null.", setting, WITHOUT_VALUE[metric]
                )

    @staticmethod
    def _had(quality: Quality, metric: str, limit: float | None, *, at_most: bool) -> bool:
        """Whether an earlier measurement was on the right side of the limit: an untrained generator never was."""
        earlier = [each.values.get(metric, math.nan) for each in quality.history]
        return limit is not None and any(value <= limit if at_most else value >= limit for value in earlier)

    def _count_patience(self, quality: Quality, value: float) -> None:
        if self._level is None or quality.better(value, self._level, by=self.min_improvement):
            self._level, self.waited = value, 0
        else:
            self.waited += 1

    def _confirmed(
        self, trainer: L.Trainer, module: Game, quality: Quality, holds: Callable[[dict[str, float]], bool]
    ) -> bool:
        """Whether `holds` is true of an independent set of samples too, where that is asked for."""
        return not self.confirm or holds(quality.values(trainer, module, draw=1))

    def _stop(self, trainer: L.Trainer, reason: Reason, why: str) -> None:
        self.reason, self.sentence = reason, f"{reason}: {why}"
        trainer.should_stop = True

    def _roll_back(self, trainer: L.Trainer, module: Game, quality: Quality, why: str) -> None:
        """Networks and optimizers of the best state; the clock, and with it every draw, goes on."""
        assert quality.best is not None
        self.rollbacks += 1
        try:
            back_to = roll_back(trainer, module, quality.run_dir / "checkpoints" / "best.ckpt")
        except CheckpointError as error:  # all devices read the same file
            self._stop(trainer, "collapsed", f"{why}, and the best state cannot be read: {error}")
            return
        iteration, rates = module.clock.iteration, rates_of(module)
        self.decisions.append(Decision("quality_stop", iteration, "collapsed", why, "rollback", back_to, rates))
        alert(trainer, self.decisions[-1])
        log.warning(
            "Collapsed at iteration %d (%s); going on from the best state, of iteration %d (rollback %d of %d).",
            iteration, why, back_to, self.rollbacks, self.max_rollbacks,
        )  # fmt: skip

    @staticmethod
    def _quality(trainer: L.Trainer) -> Quality:
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Quality):
                return callback
        raise ConfigError(
            "callback=quality_stop needs the measurements of callback/quality: 'callback=[default,quality,quality_stop]'."
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            "reason": self.reason, "sentence": self.sentence, "waited": self.waited, "rollbacks": self.rollbacks,
            "measurements": self._measurements, "level": self._level, "decisions": [each.plain() for each in self.decisions],
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.reason, self.sentence = state_dict["reason"], state_dict["sentence"]
        self.waited, self.rollbacks = state_dict["waited"], state_dict["rollbacks"]
        self._measurements, self._level = state_dict["measurements"], state_dict["level"]
        self.decisions = [Decision(**each) for each in state_dict.get("decisions", ())]
