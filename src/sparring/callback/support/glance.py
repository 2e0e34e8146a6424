"""Samples of the averaged generator of a run beside its training images, at a glance."""

import copy
import logging
from typing import Any

import lightning.pytorch as L

from sparring.core.errors import DataError, DivergedError
from sparring.core.randomness import seed_of
from sparring.core.sharding import settle
from sparring.evaluation.glance import Glance, GlanceValues
from sparring.generation.sampler import Sampler, joined

log = logging.getLogger(__name__)
REAL = 2000  # training images that samples are compared with, over all classes


class SampleGlance:
    """`count` samples from fixed latents, which depend on the run's seed alone.

    Callbacks that look at as many samples share one: the real images are fitted once, and weights that have not changed since the
    last look are not looked at again.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._glance: Glance | None = None
        self._latest: tuple[Any, GlanceValues] | None = None  # (iteration and versions of the weights, what was seen)

    def __call__(self, data: Any, module: Any) -> GlanceValues:
        """Of a game that draws images.

        Raises:
            DataError: the real images of a class do not differ. DivergedError: the generator returns NaN.
        """
        held = (module.ema, *module.ema.parameters(), *module.ema.buffers())
        state = module.clock.iteration, [(id(each), getattr(each, "_version", 0)) for each in held]
        if self._latest is not None and self._latest[0] == state:
            return self._latest[1]
        classes = min(module.num_classes, self.count // 2)
        if self._glance is None:
            real = data.real_examples(max(2, REAL // module.num_classes))
            self._glance = Glance(
                real.image, real.label, num_classes=module.num_classes, conditional=module.conditional
            )
        sampler = Sampler(
            copy.deepcopy(module.ema).float(), latent_dim=module.latent_dim, device=module.device, count=self.count,
            num_classes=classes if module.conditional else None, seed=seed_of("collapse", module.seed),
        )  # fmt: skip
        samples = joined(sampler)
        values = self._glance(samples.image, samples.label)
        self._latest = (state, values)
        return values

    def shared(self, trainer: L.Trainer, module: Any) -> GlanceValues | None:
        """The same on every device, each of which must call it; None where they cannot be looked at, which is said."""
        settle(module)
        values: GlanceValues | None = None
        if trainer.is_global_zero:
            try:
                values = self(trainer.datamodule, module)  # type: ignore[attr-defined]
            except (DataError, DivergedError) as error:  # real images do not differ; NaN, which others find
                log.warning("The samples of iteration %d were not looked at: %s", module.clock.iteration, error)
        plain = trainer.strategy.broadcast(None if values is None else values.plain())  # the first device's decide
        return None if plain is None else GlanceValues(**plain)
