"""Notices while a training runs that it goes wrong, and stops it, or brings it back to a good state at lower rates."""

import logging
import math
from typing import Any

import lightning.pytorch as L

from sparring.callback.checkpoint import Checkpoint
from sparring.callback.collapse import Collapse
from sparring.callback.finite import ADVICE, Finite
from sparring.callback.scalars import Scalars
from sparring.callback.support.glance import SampleGlance
from sparring.callback.support.growth import Growth
from sparring.callback.support.guard_settings import check_guard
from sparring.callback.support.margin import Margin, remembered
from sparring.callback.support.remedy import Kind, chosen
from sparring.callback.support.saturation import Saturation
from sparring.callback.support.spectrum import first_singular_values
from sparring.callback.support.trouble import Action, Decision, alert, log_scalars, part_of, rates_of, roll_back
from sparring.core.errors import CheckpointError, DivergedError
from sparring.evaluation.glance import COLLAPSED
from sparring.model.game import Game

log = logging.getLogger(__name__)
GRACE = 4  # checks after one at which weights have exploded, within which samples may show that the training goes well


class Guard(L.Callback):
    """Watches what costs next to nothing, every `every` iterations, and samples every `look_every` and before each checkpoint.

    - not finite: a loss (as callback/finite finds it) or a first layer.
    - weights exploded: the largest singular value of a player's first layer is more than `max_growth` times what it was when the
      run was half as old; weights that grow slowly for long are none. Where samples can tell, they decide: within GRACE further
      checks they must show their class in half as many cases as real images do, or more, and differ; then it is no trouble.
    - discriminator lost: in `lost_checks` checks in a row its mean logit of real images was below that of generated ones, and
      samples, where they can tell, do not show that the training goes well: dragan's D errs a little to one side for long.
    - collapsed: images of a class hardly differ, and did before or half of the budget is spent.
    - training images remembered: at a validation D finds real images that it has not seen no more real than generated ones. Only
      warned about, once: lower rates do not cure it, `model/augment=ada` or more images do.
    - augmentation saturated: p of model/augment=ada or apa was 1 in `saturated_checks` checks in a row; also only warned about.
    - class ignored: samples show the class asked for hardly more often than by chance when half of the budget is spent.

    On trouble it warns once and goes on, stops the run, or rolls back: the last checkpoint whose samples were looked at and found
    good (one that a signal or a stop left may not have been), every learning rate times `rate_factor`, and other noise, since
    draws follow the clock and that goes on. What lower rates do not cure, and the trouble after `max_rollbacks`, stops the
    run. All devices decide alike. `decisions` is the record; W&B gets an alert of each.

    `conf/callback/guard.yaml` says what each argument means.

    Raises:
        ConfigError: an unknown word, or a number out of range.
    """

    def __init__(
        self, *, on_trouble: Action, every: int, max_growth: float | None, lost_checks: int | None, saturated_checks: int | None,
        look_every: int | None, count: int, max_rollbacks: int, rate_factor: float,
    ) -> None:  # fmt: skip
        check_guard(
            on_trouble=on_trouble, every=every, max_growth=max_growth, lost_checks=lost_checks, look_every=look_every,
            saturated_checks=saturated_checks, count=count, max_rollbacks=max_rollbacks, rate_factor=rate_factor,
        )  # fmt: skip
        self.on_trouble, self.every, self.lost_checks = on_trouble, every, lost_checks
        self.look_every, self.max_rollbacks, self.rate_factor = look_every, max_rollbacks, rate_factor
        self.decisions: list[Decision] = []
        self.sentence = ""  # why the run was stopped; empty while it goes on
        self.trained_on = False  # whether a run that this has stopped, and that was concluded, is trained on
        self._look, self._blind = SampleGlance(count), False  # blind: there are no samples
        self._growth = Growth(max_growth)
        self._suspect, self._suspected = "", 0  # what has exploded, and checks since then
        self._good = 0  # last iteration at which samples were looked at and nothing was found
        self._had_diversity = False
        self._margin, self._saturation = Margin(), Saturation(saturated_checks)

    @property
    def rollbacks(self) -> int:
        return sum(each.action == "rollback" for each in self.decisions)

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.sentence and self.trained_on:
            self.sentence = ""
        elif self.sentence:  # it was killed between the decision and its conclusion
            trainer.should_stop = True
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Finite):
                callback.handler = self.not_finite
            if isinstance(callback, Collapse) and callback.count == self._look.count:
                self._look = callback.look

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        self._blind = not pl_module.draws_images
        self._margin.to(pl_module.device)
        if not self._growth.started:
            self._growth.restart(pl_module.clock.iteration, self._spectrum(pl_module))
        if self.on_trouble == "rollback" and pl_module.clock.iteration == 0:
            part_of(trainer, Checkpoint).save(trainer, pl_module)  # to come back to before the first regular one

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        self._margin.see(pl_module.meter)
        iteration = pl_module.clock.iteration
        if iteration % self.every == 0:
            self._check(trainer, pl_module)
        if self._look_due(trainer, iteration) and pl_module.draws_images and not trainer.should_stop:
            self._look_at_samples(trainer, pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        scalars = part_of(trainer, Scalars)
        if (found := remembered(scalars.latest, scalars.validated)) is not None:
            log_scalars(trainer, pl_module, {"guard/remembered": found[0]})
            if found[1]:
                self._decide(trainer, pl_module, "training images remembered", found[1])

    def not_finite(self, trainer: L.Trainer, module: Game, why: str) -> bool:
        """Whether a rollback has cured a value that is not finite; the handler of callback/finite."""
        self._margin.forget()
        if self.on_trouble == "rollback":
            self._decide(trainer, module, "not finite", why)
            return not trainer.should_stop
        return False

    # -- what is watched -------------------------------------------------------------------------------------------------

    def _check(self, trainer: L.Trainer, module: Game) -> None:
        """Of logits and weights. Every device must call it."""
        spectrum = self._spectrum(module)
        scalars = {f"guard/singular_value_{player}": value for player, value in spectrum.items()}
        if (margin := self._margin.read()) is not None:
            scalars["guard/logit_margin"] = margin
        log_scalars(trainer, module, scalars)
        if broken := [player for player, value in spectrum.items() if not math.isfinite(value)]:
            self._decide(trainer, module, "not finite", f"the first layer of the {broken[0]} holds NaN or infinity")
        elif why := self._explosion(trainer, module, spectrum):
            self._decide(trainer, module, "weights exploded", why)
        elif why := self._defeat(trainer, module):
            self._decide(trainer, module, "discriminator lost", why)
        if why := self._saturation.trouble(module, self.every):
            self._decide(trainer, module, "augmentation saturated", why)

    def _explosion(self, trainer: L.Trainer, module: Game, spectrum: dict[str, float]) -> str:
        """What of these singular values is trouble; every device must call it."""
        why = self._suspect or self._growth.trouble(module.clock.iteration, spectrum)
        if not why:
            return ""
        self._suspected = self._suspected + 1 if self._suspect else 0
        learns = self._learns(trainer, module)
        if learns is False and self._suspected < GRACE:
            self._suspect = why
            return ""
        self._suspect = ""
        self._growth.restart(module.clock.iteration, spectrum)
        return "" if learns else why

    def _defeat(self, trainer: L.Trainer, module: Game) -> str:
        """Why the discriminator has lost, if it has; every device must call it."""
        if self.lost_checks is None or self._margin.below < self.lost_checks:
            return ""
        long = f"for {self._margin.below * self.every} iterations"
        self._margin.below = 0
        found = f"the discriminator has found generated images more real than real ones {long}"
        return "" if self._learns(trainer, module) else found

    def _learns(self, trainer: L.Trainer, module: Game) -> bool | None:
        """Whether samples show that the training goes well, None where they cannot tell; every device must call it."""
        looks = self.look_every is not None and module.draws_images
        return looked.learns if looks and (looked := self._look.shared(trainer, module)) else None

    @staticmethod
    def _spectrum(module: Game) -> dict[str, float]:
        return first_singular_values({player: getattr(module, player) for player in module.factories})

    def _look_due(self, trainer: L.Trainer, iteration: int) -> bool:
        """Also before a regular checkpoint, so that each that is saved was looked at."""
        if self.look_every is None:
            return False
        due = iteration % self.look_every == 0 or iteration == trainer.max_steps
        return due or (self.on_trouble == "rollback" and iteration % part_of(trainer, Checkpoint).every == 0)

    def _look_at_samples(self, trainer: L.Trainer, module: Game) -> None:
        values, late = self._look.shared(trainer, module), 2 * module.clock.iteration >= trainer.max_steps
        if values is None:
            self._good = module.clock.iteration  # as far as can be told
        elif values.collapsed and (late or self._had_diversity):
            self._decide(trainer, module, "collapsed", values.collapsed)
        elif late and values.unlearned:
            self._decide(trainer, module, "class ignored", values.unlearned)
        elif not self._suspect:
            self._good = module.clock.iteration
        self._had_diversity |= values is not None and values.diversity >= 2 * COLLAPSED

    # -- what is done ----------------------------------------------------------------------------------------------------

    def _decide(self, trainer: L.Trainer, module: Game, kind: Kind, why: str) -> None:
        iteration = module.clock.iteration
        action = chosen(kind, self.on_trouble, may_roll_back=self.rollbacks < self.max_rollbacks)
        if action == "warn" and any(each.kind == kind for each in self.decisions):
            return
        if action == "stop" and self.rollbacks:
            why += f", after {self.rollbacks} rollback{'s' * (self.rollbacks > 1)}"
        back_to = None
        if action == "rollback":
            try:
                file, factor = part_of(trainer, Checkpoint).path, self.rate_factor
                back_to = roll_back(trainer, module, file, rate_factor=factor, good=self._was_good)
            except CheckpointError as error:
                action, why = "stop", f"{why}, and there is no state to go back to: {error}"
        if action != "warn":  # what a warning is about leaves all else as it is
            self._suspect = ""
            self._margin.forget()
        if action == "rollback":
            self._growth.restart(iteration, self._spectrum(module))
            self._had_diversity, self._saturation.at_limit = False, 0
        decision = Decision("guard", iteration, kind, why, action, back_to, rates_of(module))
        self.decisions.append(decision)
        log_scalars(trainer, module, {"guard/decisions": float(len(self.decisions))})
        alert(trainer, decision)
        if action == "stop":
            if kind == "not finite":
                raise DivergedError(f"Training diverged: {why} after iteration {iteration}; {ADVICE}.")
            self.sentence = f"{kind}: {why}"
            trainer.should_stop = True
        if trainer.is_global_zero:
            log.warning("Guard %s.", decision.sentence)

    def _was_good(self, saved: Any) -> bool:
        """Whether the samples of a saved state were looked at and found good, where that is done at all."""
        state = saved["callbacks"].get(self.state_key, {})
        return self.look_every is None or self._blind or state.get("good") in (None, saved["clock"]["iteration"])

    # -- resume ----------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {
            "decisions": [each.plain() for each in self.decisions], "sentence": self.sentence, "lost": self._margin.below,
            "saturated": self._saturation.at_limit, "had_diversity": self._had_diversity, "margins": self._margin.plain(),
            "before": self._growth.plain(), "suspect": [self._suspect, self._suspected], "good": self._good,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.decisions = [Decision(**each) for each in state_dict["decisions"]]
        self.sentence, self._margin.below = state_dict["sentence"], state_dict["lost"]
        self._growth.load(state_dict["before"])
        self._suspect, self._suspected = state_dict.get("suspect", ("", 0))
        self._good, self._saturation.at_limit = state_dict.get("good", 0), state_dict.get("saturated", 0)
        self._had_diversity = state_dict["had_diversity"]
        self._margin.load(state_dict["margins"])
