"""The base of velocity networks, which a flow follows from noise to images."""

from torch import Tensor, nn


class Velocity(nn.Module):
    """Subclasses define `forward`; the class `num_classes` stands for "no label".

    Shapes: image (N, C, H, W), time (N,) from 0 (noise) to 1 (data), label (N,) int64 from 0 to num_classes -> (N, C, H, W).
    """

    num_classes: int

    def forward(self, image: Tensor, time: Tensor, label: Tensor) -> Tensor:
        """The change of `image` per unit of time, (N, C, H, W)."""
        raise TypeError(f"{type(self).__name__} must define forward(image, time, label)")
