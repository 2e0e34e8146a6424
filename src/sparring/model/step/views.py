"""What the adversarial step passes to its parts: a part of a batch, images with D's outputs for them, random draws."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from sparring.model.step.draws import Draws


class Part(NamedTuple):
    """One part of a step's chunk.

    image (N, C, H, W) in [-1, 1], label (N,): real images, None where the step needs none. latent (N, L), fake_label (N,): of
    the images to generate. draws: random numbers for these rows.
    """

    image: Tensor | None
    label: Tensor | None
    latent: Tensor
    fake_label: Tensor
    draws: Draws


class DiscriminatorOutput(NamedTuple):
    """D's outputs for images.

    image (N, C, H, W), as D saw them; label (N,); features (N, F) before D's head; logits (N,).
    """

    image: Tensor
    label: Tensor
    features: Tensor
    logits: Tensor


@dataclass(frozen=True)
class View:
    """What a penalty may look at in one part of a step.

    discriminator: (image, label) -> logits. generator: (latent, label) -> image. augment: the augmentation of this step's
    generated images, with the same random numbers at every call. fake: of the generated images. latent (N, L): what they were
    generated from. draws: further random numbers, by purpose.
    """

    discriminator: nn.Module
    generator: nn.Module
    augment: Callable[[Tensor], Tensor]
    fake: DiscriminatorOutput
    latent: Tensor
    draws: Draws


@dataclass(frozen=True)
class DiscriminatorView(View):
    """A discriminator step: real and generated images; the generated ones carry no graph back to G."""

    real: DiscriminatorOutput
    _gradients: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)

    def squared_gradient_norm(self, side: Literal["real", "fake"]) -> Tensor:
        """||d logit_i / d image_i||^2 of the real or generated images, (N,), differentiable with respect to D's weights.

        The images must require grad (`Regularizer.gradients_at`). Where both do, one backward pass finds both gradients.
        """
        if not self._gradients:
            sides = {"real": self.real, "fake": self.fake}
            asked = {name: output for name, output in sides.items() if output.image.requires_grad}
            logits = [output.logits for output in asked.values()]
            images = [output.image for output in asked.values()]
            found = torch.autograd.grad(logits, images, [torch.ones_like(each) for each in logits], create_graph=True)
            self._gradients.update(zip(asked, found, strict=True))
        return self._gradients[side].square().flatten(1).sum(1)


@dataclass(frozen=True)
class GeneratorView(View):
    """A generator step.

    generated: the generated images (N, C, H, W) before augmentation, with their graph. real: real images without a graph, where
    the loss or a due penalty compares.
    """

    generated: Tensor
    real: DiscriminatorOutput | None = None
