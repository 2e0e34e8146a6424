"""Fully connected perturbation generator."""

from torch import Tensor, nn

from sparring.model.perturber.base import Perturber


class MLPPerturber(Perturber):
    """[linear, ReLU] per layer -> linear.

    Args:
        width: units of a hidden layer. layers: hidden layers.
    """

    def __init__(self, *, channels: int, image_size: int, width: int, layers: int) -> None:
        super().__init__()
        self.shape = (channels, image_size, image_size)
        pixels = channels * image_size**2
        stack: list[nn.Module] = [nn.Flatten()]
        before = pixels
        for _ in range(layers):
            stack += [nn.Linear(before, width), nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*stack, nn.Linear(before, pixels))

    def raw(self, image: Tensor) -> Tensor:
        return self.layers(image).unflatten(1, self.shape)
