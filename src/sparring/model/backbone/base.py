"""What a classifier network is."""

from torch import Tensor, nn


class Backbone(nn.Module):
    """Features of an image and one linear layer over them.

    Subclasses set `features_dim`, `head` (F -> num_classes) and define `features`.

    Shapes: image (N, C, H, W) in [-1, 1] -> logits (N, num_classes).
    """

    features_dim: int
    head: nn.Linear

    def prepare(self, image: Tensor) -> None:
        """Compute what a network takes from its training images, uint8 (N, C, H, W), before the first step."""

    def features(self, image: Tensor) -> Tensor:
        """(N, F): what the last layer reads."""
        raise TypeError(f"{type(self).__name__} must define features(image)")

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))
