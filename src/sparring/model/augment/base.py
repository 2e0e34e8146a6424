"""The base of augmentations between the images and D."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.core.distributed import average
from sparring.model.step.draws import Draws
from sparring.model.step.recipe import Recipe


class Augment(nn.Module):
    """A random change T of every image that D sees, real or generated, in both players' steps.

    Buffers are saved in checkpoints.

    factor: on its strength, set by the schedule in every iteration, in [0, 1].
    """

    factor: float = 1.0

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""

    def forward(self, image: Tensor, draws: Draws) -> Tensor:
        """T of images (N, C, H, W) in [-1, 1], differentiable once."""
        raise TypeError(f"{type(self).__name__} must define forward(image, draws)")

    def real(self, image: Tensor, label: Tensor, generate: Callable[[Tensor], Tensor], draws: Draws) -> Tensor:
        """The images (N, C, H, W) that D's step presents as real, before T.

        Args:
            image, label: real images (N, C, H, W) in [-1, 1] and their classes (N,).
            generate: labels (N,) -> generated images (N, C, H, W) that nothing else in the step uses.
        """
        return image

    def observe(self, real_logits: Tensor) -> None:
        """Take note of D's logits (N,) of the images presented as real, once per part of a step."""

    def after_step(self, *, images: int) -> None:
        """Called after each step of D on `images` real images, over all devices."""

    def scalars(self) -> dict[str, Tensor]:
        """Its state for the logs, 0-d tensors by name."""
        return {}


class Adaptive(Augment):
    """An augmentation whose probability p follows a measure of overfitting (Karras et al. 2020, ADA, section 3).

    r = E[sign D(x)] over the real images since the last change; every `interval` steps of D
    p <- clamp(p + sign(r - target) * (real images since then) / images, 0, 1).

    Args:
        target: value of r to maintain. interval: steps of D between changes of p.
        images: real images in which p can go from 0 to 1.

    adapts: whether p moves at all.
    Buffers: p; sign_sum, steps (the sum and count that r is the mean of).
    """

    adapts: bool = True
    p: Tensor
    sign_sum: Tensor
    steps: Tensor

    def __init__(self, *, target: float, interval: int, images: int) -> None:
        super().__init__()
        self.target, self.interval, self.images = target, interval, images
        for name in ("p", "sign_sum"):
            self.register_buffer(name, torch.zeros(()))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._signs: list[Tensor] = []

    @torch.no_grad()
    def observe(self, real_logits: Tensor) -> None:
        self._signs.append(real_logits.detach().sign().to(self.p.dtype).mean())

    @torch.no_grad()
    def after_step(self, *, images: int) -> None:
        self.sign_sum += average(torch.stack(self._signs).mean())
        self._signs = []
        self.steps += 1
        due = self.steps >= self.interval
        change = (self.sign_sum / self.steps - self.target).sign() * (self.steps * images / self.images)
        self.p.copy_(torch.where(due, (self.p + change).clamp(0, 1), self.p))
        for counter in (self.sign_sum, self.steps):
            counter.mul_(~due)

    def scalars(self) -> dict[str, Tensor]:
        return {"augment/p": self.p * self.factor}
