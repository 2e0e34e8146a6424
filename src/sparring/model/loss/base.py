"""The base of adversarial losses, and the condition that unbounded ones share."""

from typing import ClassVar

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.layer.lipschitz import is_spectrally_normalised
from sparring.model.step.recipe import Recipe, leaf_name


class Loss:
    """Two pure functions of logits (N,) -> (N,), unreduced.

    pairs: whether the loss compares real and generated images. The step then gives real image i and generated image i the same
        label, and hands the generator's step fresh real images too.
    whole_batch: whether it compares every image with all others, so that the batch cannot be processed in parts.
    bounded: whether it has a finite optimum for any D; one without needs a bound on D's slope.
    """

    pairs: ClassVar[bool] = False
    whole_batch: ClassVar[bool] = False
    bounded: ClassVar[bool] = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """D's loss (N,) from logits (N,) of real and of generated images."""
        raise TypeError(f"{type(self).__name__} must define discriminator(real, fake)")

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """G's loss (N,) from logits (N,) of generated images, and of real ones where the loss `pairs`."""
        raise TypeError(f"{type(self).__name__} must define generator(fake, real)")

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where the loss cannot work with the rest of the GAN."""
        if self.whole_batch:
            recipe.refuse_parts("loss", self)
        if self.bounded or recipe.lipschitz or is_spectrally_normalised(recipe.discriminator):
            return
        raise ConfigError(
            f"model/loss={leaf_name(self)} grows without bound when D's slope does, and nothing here controls it; add "
            "'model/regularizer=[wgan_gp]' (or dragan, r1, r2, approximate_r1, weight_clipping), or a D with spectral norm."
        )
