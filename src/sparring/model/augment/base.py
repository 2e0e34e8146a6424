"""What the adversarial step expects of the augmentation between the images and D."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.core.distributed import average
from sparring.model.step.draws import Draws
from sparring.model.step.recipe import Recipe


class Augment(nn.Module):
    """A random change T of every image that D is shown, real or generated, in both players' steps.

    Buffers are saved in checkpoints. factor: share of its strength that the schedule grants at this iteration.
    """

    factor: float = 1.0

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""

    def forward(self, image: Tensor, draws: Draws) -> Tensor:
        """T of images (N, C, H, W) in [-1, 1], differentiable once."""
        raise TypeError(f"{type(self).__name__} must define forward(image, draws)")

    def real(self, image: Tensor, label: Tensor, generate: Callable[[Tensor], Tensor], draws: Draws) -> Tensor:
        """Images that D's step shows as real with labels (N,), before T. generate: labels -> generated images of their own."""
        return image

    def observe(self, real_logits: Tensor) -> None:
        """Logits of the images that D's step showed as real, part by part."""

    def after_step(self, *, images: int) -> None:
        """Called after each step of D on `images` real images, over all devices."""

    def scalars(self) -> dict[str, Tensor]:
        """What to log of its state."""
        return {}


class Adaptive(Augment):
    """An augmentation whose probability p follows a measure of overfitting (Karras et al. 2020, ADA, section 3).

    r = E[sign D(x)] over the real images since the last change; every `interval` steps of D
    p <- clamp(p + sign(r - target) * images shown since / images, 0, 1).

    target: r to hold. images: real images in which p can go from 0 to 1.

    Buffers: p; sign_sum and steps (of r so far).
    """

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
