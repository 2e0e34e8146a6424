"""What the adversarial step expects of a loss, and the condition that several share."""

from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from sparring.errors import ConfigError
from sparring.model.layer.lipschitz import is_spectrally_normalised

if TYPE_CHECKING:
    from sparring.model.gan import GAN


class Loss:
    """Two pure functions of logits, each (N,) -> (N,), unreduced.

    pairs: the loss compares real and generated images. The step then gives real image i and generated image i the same
        label, and hands the generator's step fresh real images too.
    whole_batch: it compares every image with all others, so the batch cannot be processed in parts.
    bounded: it has a finite optimum for any D. Losses without need a bound on D's slope.
    """

    pairs: ClassVar[bool] = False
    whole_batch: ClassVar[bool] = False
    bounded: ClassVar[bool] = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define discriminator(real, fake)")

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define generator(fake, real)")

    def check(self, gan: "GAN") -> None:
        """Raise ConfigError where the loss cannot work with the rest of `gan`."""
        if self.whole_batch:
            refuse_parts(gan, "loss", self)
        if self.bounded or is_spectrally_normalised(gan.discriminator):
            return
        if any(regularizer.lipschitz for regularizer in gan.regularizers.values()):
            return
        raise ConfigError(
            f"model.loss={leaf_name(self)} grows without bound when D's slope does, and nothing here controls it; add "
            "'model/regularizer=[wgan_gp]' (or dragan, r1, r2, approximate_r1, weight_clipping), or a D with spectral norm."
        )


def refuse_parts(gan: "GAN", group: str, leaf: object) -> None:
    """Raise ConfigError when a batch that `leaf` compares as a whole is processed in parts."""
    if gan.accumulate > 1:
        raise ConfigError(
            f"model.{group}={leaf_name(leaf)} compares the images of a whole batch, and model.accumulate={gan.accumulate} would "
            "show it parts; set model.accumulate=1."
        )


def leaf_name(leaf: object) -> str:
    """The override that chose `leaf`: its module's last name."""
    return type(leaf).__module__.rpartition(".")[2]
