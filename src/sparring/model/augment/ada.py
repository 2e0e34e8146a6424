"""Adaptive discriminator augmentation (Karras et al. 2020, "Training generative adversarial networks with limited data")."""

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.model.augment.base import Adaptive
from sparring.model.augment.math.affine import blits, geometry, resample
from sparring.model.augment.math.colour import recolour
from sparring.model.augment.math.pixels import cut_out
from sparring.model.step.draws import Draws


class ADA(Adaptive):
    """The paper's pixel blits, geometric and colour transformations, each applied to an image with probability p.

    The affine parts are multiplied to one matrix per image, which is resampled once, bilinear with reflected edges; the paper
    filters with wavelets at twice the resolution.

    Args:
        blit, geometric, colour: factors [0, 1] on p of the three groups; 0 leaves a group out.
        cutout: factor [0, 1] on p of a square of half the side set to zero (not in the paper's CIFAR-10 settings).
        initial: p at the start, [0, 1].
        target: of r, by which p adapts. None: p stays at `initial`, times the schedule's factor (as in R3GAN).
        interval, images: as of `Adaptive`.

    Raises:
        ConfigError: a factor out of range.
    """

    def __init__(
        self,
        *,
        blit: float,
        geometric: float,
        colour: float,
        cutout: float,
        initial: float,
        target: float | None,
        interval: int,
        images: int,
    ) -> None:
        super().__init__(target=0.0 if target is None else target, interval=interval, images=images)
        groups = {"blit": blit, "geometric": geometric, "colour": colour, "cutout": cutout, "initial": initial}
        for name, value in groups.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"model.augment.{name}={value} must be from 0 to 1.")
        self.blit, self.geometric, self.colour, self.cutout = blit, geometric, colour, cutout
        self.adapts = target is not None
        self.p.fill_(initial)

    def forward(self, image: Tensor, draws: Draws) -> Tensor:
        p = self.p * self.factor
        matrix = None
        if self.blit:
            matrix = blits(image, p * self.blit, draws)
        if self.geometric:
            more = geometry(image, p * self.geometric, draws)
            matrix = more if matrix is None else matrix @ more
        if matrix is not None:
            image = resample(image, matrix)
        if self.colour:
            image = recolour(image, p * self.colour, draws)
        if self.cutout:
            chosen = draws.uniform("cutout?") < p * self.cutout
            holes = cut_out(image, draws.uniform("cutout", 2), round(image.shape[-1] / 2))
            image = torch.where(chosen[:, None, None, None], holes, image)
        return image

    def observe(self, real_logits: Tensor) -> None:
        if self.adapts:
            super().observe(real_logits)

    def after_step(self, *, images: int) -> None:
        if self.adapts:
            super().after_step(images=images)
