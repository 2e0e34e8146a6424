"""A game whose generator draws images of a class, from an average of its weights."""

import torch
from torch import Tensor, nn

from sparring.core.types import TrainingData
from sparring.model.ema import EMA
from sparring.model.game import Game


class ImageGame(Game):
    """Base of the games that `generate.py` can draw from: an averaged generator, and how frequent its classes are.

    Subclasses call `averaged(...)` once they have their generator, and `update_average()` once an iteration.

    Attributes:
        ema: the averaged generator, always in eval mode; (latent (N, latent_dim), label (N,)) -> images (N, C, H, W).
        class_prior: (K,) class frequencies of the training images; uniform until `prepare`.
    """

    draws_images = True
    conditional: bool
    latent_dim: int
    num_classes: int
    generator: nn.Module
    class_prior: Tensor

    def averaged(self, generator: nn.Module, ema: EMA, *, num_classes: int) -> None:
        """Take over the generator; `ema` says how its weights are averaged."""
        self.generator = generator
        self.averaging, self.ema = ema, ema.copy_of(generator)
        self.num_classes = num_classes
        self.register_buffer("class_prior", torch.full((num_classes,), 1.0 / num_classes))

    def update_average(self, images: int) -> None:
        """One update of the average for an iteration that used up `images` real images."""
        stretch = self.schedule.half_life(self.progress)
        seen = self.clock.images_seen
        self.averaging.update(self.ema, self.generator, images=images, images_seen=seen, stretch=stretch)

    def prepare(self, data: TrainingData) -> None:
        super().prepare(data)
        self.class_prior.copy_(data.class_prior)

    def networks(self) -> dict[str, nn.Module]:
        return {"ema": self.ema, **super().networks()}

    def extra_tensors(self) -> dict[str, Tensor]:
        return {"class_prior": self.class_prior}

    def train(self, mode: bool = True) -> "ImageGame":
        """The averaged generator stays in eval mode."""
        super().train(mode)
        self.ema.eval()
        return self
