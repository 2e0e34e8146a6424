"""The base of enhancers."""

from torch import Tensor, nn
from torch.nn.functional import interpolate


class Enhancer(nn.Module):
    """Subclasses define `change`: what is added to the bicubically enlarged image.

    Args:
        factor: enlargement in both directions.

    Shapes: image (N, C, h, w) in [-1, 1] -> (N, C, factor h, factor w) in [-1, 1], of any size.
    """

    def __init__(self, *, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def change(self, image: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C, factor h, factor w)."""
        raise TypeError(f"{type(self).__name__} must define change(image)")

    def forward(self, image: Tensor) -> Tensor:
        """Values may leave [-1, 1] in training, where a clamp would have no gradient."""
        enhanced = enlarged(image, self.factor) + self.change(image)
        return enhanced if self.training else enhanced.clamp(-1, 1)


def enlarged(image: Tensor, factor: int) -> Tensor:
    """The bicubic enlargement: image (N, C, h, w) -> (N, C, factor h, factor w), in [-1, 1]."""
    if factor == 1:
        return image
    return interpolate(image, scale_factor=factor, mode="bicubic", align_corners=False).clamp(-1, 1)
