"""DiffAugment (Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training", section 3.2)."""

from collections.abc import Sequence

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.augment.base import Augment
from sparring.model.augment.math.pixels import cut_out, translate
from sparring.model.step.draws import Draws

POLICIES = ("colour", "translation", "cutout")


class DiffAugment(Augment):
    """Every image, real or generated, gets a fresh random draw of each policy, in both players' steps.

    colour: brightness + U(-0.5, 0.5), saturation * U(0, 2), contrast * U(0.5, 1.5), in units of [-1, 1] images.
    translation: by up to `shift` of the side, zeros (mid-grey) beyond the edge.
    cutout: a square of `hole` of the side set to zero, anywhere, also over the edge.

    Args:
        policies: some of "colour", "translation" and "cutout". shift, hole: shares of the image's side.

    Raises:
        ConfigError: an unknown policy.
    """

    def __init__(self, *, policies: Sequence[str], shift: float, hole: float) -> None:
        super().__init__()
        if unknown := set(policies) - set(POLICIES):
            raise ConfigError(
                f"model.augment.policies has {', '.join(sorted(unknown))}, expected some of {', '.join(POLICIES)}."
            )
        self.policies, self.shift, self.hole = list(policies), shift, hole

    def forward(self, image: Tensor, draws: Draws) -> Tensor:
        if "colour" in self.policies:
            image = colour(image, draws.uniform("colour", 3))
        if "translation" in self.policies:
            image = translate(image, shifts(draws.uniform("translation", 2), round(self.shift * image.shape[-1])))
        if "cutout" in self.policies:
            image = cut_out(image, draws.uniform("cutout", 2), round(self.hole * image.shape[-1]))
        return image


def colour(image: Tensor, uniform: Tensor) -> Tensor:
    """Images (N, C, H, W) with other brightness, saturation and contrast, from uniform (N, 3) on [0, 1)."""
    brightness, saturation, contrast = (uniform[:, k, None, None, None] for k in range(3))
    image = image + (brightness - 0.5)
    grey = image.mean(dim=1, keepdim=True)
    image = (image - grey) * (saturation * 2) + grey
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    return (image - mean) * (contrast + 0.5) + mean


def shifts(uniform: Tensor, largest: int) -> Tensor:
    """uniform (N, 2) on [0, 1) -> whole pixels in -largest..largest, each equally likely."""
    return (uniform * (2 * largest + 1)).long() - largest
