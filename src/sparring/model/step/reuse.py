"""Generated images of a discriminator step that the generator's step learns from."""

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.step.views import Part


class Reuse:
    """Keeps the images of the last D step of an iteration, with their graph, for G's step.

    Args:
        d_steps: discriminator steps per generator step.
    """

    def __init__(self, d_steps: int) -> None:
        self.d_steps = d_steps
        self._kept: tuple[Part, Tensor] | None = None

    def check(self, *, pairs: bool, accumulate: int) -> None:
        """Raise ConfigError where the images of D's step cannot be those of G's, as for a loss that compares `pairs`."""
        if pairs:
            raise ConfigError(
                "model.reuse_fakes=true cannot work with a loss that compares generated with real images of the same class: G's "
                "step has other real images than D's; set model.reuse_fakes=false."
            )
        if accumulate > 1:
            raise ConfigError(
                f"model.reuse_fakes=true would hold the graphs of all model.accumulate={accumulate} parts at once, and parts "
                "are there to save that memory; set model.reuse_fakes=false or model.accumulate=1."
            )

    def wants(self, number: int) -> bool:
        """Whether G's step learns from the images of D step `number` of the run."""
        return (number + 1) % self.d_steps == 0

    def keep(self, part: Part, image: Tensor, number: int) -> None:
        """Take the images (N, C, H, W) that G made of the part's latents and labels, if they are wanted."""
        if self.wants(number):
            self._kept = part, image

    def take(self, part: Part) -> tuple[Part, Tensor]:
        """A part of G's step with the latents and labels of the kept images, and these, which are not kept any longer."""
        assert self._kept is not None
        (kept, image), self._kept = self._kept, None
        return part._replace(latent=kept.latent, fake_label=kept.fake_label), image
