"""The base of classifier networks."""

from torch import Tensor, nn


class Backbone(nn.Module):
    """Features of an image and one linear layer on them.

    Subclasses set `features_dim`, `head` (F -> num_classes) and define `features`. Their arguments `channels` and `image_size`
    are those of the images, `num_classes` the number of logits.

    Shapes: image (N, C, H, W) in [-1, 1] -> logits (N, num_classes).
    """

    features_dim: int
    head: nn.Linear

    def prepare(self, image: Tensor) -> None:
        """Compute what the network takes from training images, uint8 (N, C, H, W), before the first step."""

    def features(self, image: Tensor) -> Tensor:
        """Images (N, C, H, W) -> (N, F), the input of the last layer."""
        raise TypeError(f"{type(self).__name__} must define features(image)")

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))
