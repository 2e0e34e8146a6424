"""The base of discriminators: features of an image, and a head that gets the label."""

from torch import Tensor, nn

from sparring.model.head.base import Head
from sparring.model.step.views import DiscriminatorOutput


class Discriminator(nn.Module):
    """Subclasses set `head`, made by a leaf of `model/head`, and define `features`.

    Their arguments `channels` and `image_size` are those of the images, `head` the leaf that makes the head.

    Shapes: image (N, C, H, W) in [-1, 1], label (N,) int64 -> logits (N,).
    """

    head: Head

    def features(self, image: Tensor) -> Tensor:
        """Images (N, C, H, W) -> (N, F), the input of the head."""
        raise TypeError(f"{type(self).__name__} must define features(image)")

    def forward_with_features(self, image: Tensor, label: Tensor) -> DiscriminatorOutput:
        """Features (N, F) and logits (N,) of images (N, C, H, W) with classes (N,), from one pass."""
        features = self.features(image)
        return DiscriminatorOutput(image, label, features, self.head(features, label))

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
