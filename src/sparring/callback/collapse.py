"""Notices while a generator trains that its samples have collapsed, or that it has not learned the classes."""

import logging
from typing import Any

import lightning.pytorch as L

from sparring.callback.support.glance import REAL, SampleGlance
from sparring.core.errors import ConfigError, DataError, DivergedError
from sparring.core.interval import check_growing, is_due
from sparring.core.measurement import Measurement
from sparring.core.sharding import settle
from sparring.evaluation.glance import SIDE, GlanceValues
from sparring.model.game import Game

log = logging.getLogger(__name__)
EARLY = 1000  # iterations, before which little diversity may still grow


class Collapse(L.Callback):
    """At iteration `first`, `first * growth`, ... and at the end: `count` samples of the averaged generator against training
    images (`Glance`).

    Logs `samples/diversity` and `samples/agreement`, and warns when samples are one image per class (after half of the budget, or
    twice in a row after EARLY iterations) or ignore their class (after half of the budget). `sentence` says the same of the
    last measurement. Idle in runs without a generator. The first device alone measures, and decides nothing but what is said.

    `conf/callback/collapse.yaml` says what each argument means.
    """

    def __init__(self, *, count: int, first: int, growth: float) -> None:
        check_growing("callback.collapse", first, growth)
        if count < 2:
            raise ConfigError(f"callback.collapse.count={count} must be 2 or more: one sample has no diversity.")
        self.count, self.first, self.growth = count, first, growth
        self.latest: GlanceValues | None = None
        self.iteration = 0  # of the latest
        self.look = SampleGlance(count)
        self._warned = ""  # the word of the last warning, until samples recover

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        iteration = pl_module.clock.iteration
        due = is_due(iteration, first=self.first, growth=self.growth) or iteration == trainer.max_steps
        if pl_module.draws_images and due:
            self.take(trainer, pl_module)

    def take(self, trainer: L.Trainer, module: Any) -> None:
        """Measure once; every device must call it."""
        settle(module)
        if not trainer.is_global_zero:
            return
        before, iteration = self.latest, module.clock.iteration
        try:
            self.latest, self.iteration = self.measured(trainer.datamodule, module), iteration  # type: ignore[attr-defined]
        except (DataError, DivergedError) as error:  # real images that do not differ; NaN, which callback/finite is for
            log.warning("The samples of iteration %d were not looked at: %s", iteration, error)
            return
        values = {"diversity": self.latest.diversity, "agreement": self.latest.agreement}
        scalars = {f"samples/{name}": value for name, value in values.items() if value is not None}
        for logger in trainer.loggers:
            logger.log_metrics({"images_seen": module.clock.images_seen, **scalars}, step=iteration)
        self.warn(before, late=2 * iteration >= trainer.max_steps)

    def measured(self, data: Any, module: Any) -> GlanceValues:
        """Of images that depend on the run's seed alone.

        Raises:
            DataError: the real images of a class do not differ. DivergedError: the generator returns NaN.
        """
        return self.look(data, module)

    def warn(self, before: GlanceValues | None, *, late: bool) -> None:
        """Say once what is wrong with the latest samples.

        Args:
            before: the measurement before them. late: whether half of the budget is spent.
        """
        assert self.latest is not None
        unlearned = self.latest.unlearned if late else ""
        again = before is not None and bool(before.collapsed) and self.iteration >= EARLY
        collapsed = self.latest.collapsed if late or again else ""
        word, why = ("class ignored", unlearned) if unlearned else ("collapsed", collapsed)
        if why and word != self._warned:
            log.warning("Iteration %d: %s. Losses do not show this; look at images/.", self.iteration, why)
        self._warned = word if why else ""

    @property
    def sentence(self) -> str:
        """What is wrong with the latest samples, empty if nothing is."""
        if self.latest is None:
            return ""
        if why := self.latest.unlearned:
            return f"its generator has not learned the classes: {why}"
        return f"its samples have collapsed: {why}" if (why := self.latest.collapsed) else ""

    def metrics(self) -> dict[str, Measurement]:
        """The latest measurement as entries of result.json."""
        if self.latest is None:
            return {}
        protocol = {
            "split": "train", "images": self.count, "real_images": REAL, "features": f"pixels, averaged to {SIDE}x{SIDE}",
            "weights": "ema", "iteration": self.iteration,
        }  # fmt: skip
        name = f"pixels_{self.count}"
        found = {
            f"train/diversity_{name}": Measurement(
                value=self.latest.diversity, direction="near_reference", protocol=protocol
            )
        }
        if self.latest.agreement is not None:
            protocol = {
                **protocol,
                "classifier": "linear discriminant",
                "real_images_agreement": self.latest.real_agreement,
            }
            found[f"train/agreement_{name}"] = Measurement(
                value=self.latest.agreement, direction="higher", protocol=protocol
            )
        return found

    def state_dict(self) -> dict[str, Any]:
        latest = None if self.latest is None else self.latest.plain()
        return {"latest": latest, "iteration": self.iteration, "warned": self._warned}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        latest = state_dict["latest"]
        self.latest = None if latest is None else GlanceValues(**latest)
        self.iteration, self._warned = state_dict["iteration"], state_dict["warned"]
