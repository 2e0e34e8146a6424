"""The base of discriminators: features of an image, and a head that gets the label."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparring.model.head.base import Head
from sparring.model.layer.minibatch_stddev import sections
from sparring.model.step.views import DiscriminatorOutput


class Discriminator(nn.Module):
    """Subclasses set `head`, made by a leaf of `model/head`, and define `features`.

    Their arguments `channels` and `image_size` are those of the images, `head` the leaf that makes the head.

    separable: whether its layers treat each image by itself, so that real and generated images may share a pass. BatchNorm
        does not, and is looked for besides; layers that look at a group of images know of `sections`.

    Shapes: image (N, C, H, W) in [-1, 1], label (N,) int64 -> logits (N,).
    """

    head: Head
    separable: bool = False

    def passes_together(self) -> bool:
        """Whether the outputs for two batches are the same in one pass as in two."""
        return self.separable and not any(isinstance(module, _BatchNorm) for module in self.modules())

    def features(self, image: Tensor) -> Tensor:
        """Images (N, C, H, W) -> (N, F), the input of the head."""
        raise TypeError(f"{type(self).__name__} must define features(image)")

    def forward_with_features(self, image: Tensor, label: Tensor) -> DiscriminatorOutput:
        """Features (N, F) and logits (N,) of images (N, C, H, W) with classes (N,), from one pass."""
        features = self.features(image)
        return DiscriminatorOutput(image, label, features, self.head(features, label))

    def compile(self, *options: Any, **named: Any) -> None:
        """`torch.compile` in place, with its options; of what all passes go through."""
        self.forward_with_features = torch.compile(self.forward_with_features, *options, **named)  # type: ignore[method-assign]

    def judge_together(
        self, image: tuple[Tensor, Tensor], label: tuple[Tensor, Tensor]
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        """The outputs for two batches of the same size from one pass, where `passes_together` says so."""
        with sections(self, len(image)):
            _, _, features, logits = self.forward_with_features(torch.cat(image), torch.cat(label))
        halves = zip(image, label, features.chunk(2), logits.chunk(2), strict=True)
        one, other = (DiscriminatorOutput(*half) for half in halves)
        return one, other

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return self.forward_with_features(image, label).logits


class DiscriminatorClassifier(nn.Module):
    """The classifier in a discriminator whose head classifies.

    Shapes: image (N, C, H, W) in [-1, 1] -> logits (N, K).
    """

    def __init__(self, discriminator: Discriminator) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, image: Tensor) -> Tensor:
        return self.discriminator.head.class_logits(self.discriminator.features(image))
