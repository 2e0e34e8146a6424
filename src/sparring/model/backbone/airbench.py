"""A network that learns in few epochs, after airbench94 (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds")."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, gelu

from sparring.core.pixels import normalise
from sparring.model.backbone.base import Backbone

RIDGE = 5e-4  # added to the variances, which may be 0


class Airbench(Backbone):
    """A fixed whitening layer, one block of two 3x3 convolutions per width, the largest value of each map, linear.

    The first layer has 2x2 filters: the principal directions of the training images' patches, scaled to unit variance,
    and their negatives; it is computed once by `prepare`, never trained, and saved with the weights. BatchNorm has no
    scale, the linear layer's result is divided by `temperature`. Pooling rounds up, so that images of 8 pixels fit.

    Args:
        widths: channels of the blocks. temperature: divisor of the logits.
    """

    def __init__(self, *, channels: int, num_classes: int, widths: Sequence[int], temperature: float) -> None:
        super().__init__()
        filters = 2 * 4 * channels
        self.whitening: Tensor
        self.register_buffer("whitening", torch.zeros(filters, channels, 2, 2))
        self.bias = nn.Parameter(torch.zeros(filters))
        layers: list[nn.Module] = []
        before = filters
        for after in widths:
            layers += [_convolution(before, after), nn.MaxPool2d(2, ceil_mode=True), *_activation(after)]
            layers += [_convolution(after, after), *_activation(after)]
            before = after
        self.blocks = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.features_dim, self.temperature = before, temperature
        self.head = nn.Linear(before, num_classes, bias=False)
        self.blocks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def prepare(self, image: Tensor) -> None:
        self.whitening.copy_(whitening(normalise(image)))

    def features(self, image: Tensor) -> Tensor:
        return self.blocks(gelu(conv2d(image, self.whitening, self.bias)))

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image)) / self.temperature


def whitening(image: Tensor) -> Tensor:
    """(8 C, C, 2, 2) filters from images (N, C, H, W), whose responses have unit variance and are not correlated."""
    channels = image.shape[1]
    patches = image.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 4 * channels).double()
    variance, direction = torch.linalg.eigh(patches.T.cov())
    filters = (direction / (variance.clamp(min=0) + RIDGE).sqrt()).T.view(-1, channels, 2, 2)
    return torch.cat([filters, -filters]).to(image.dtype)


def _convolution(before: int, after: int) -> nn.Conv2d:
    """A 3x3 convolution whose first filters are the identity; the others are random."""
    layer = nn.Conv2d(before, after, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:before])
    return layer


def _activation(width: int) -> list[nn.Module]:
    norm = nn.BatchNorm2d(width)
    norm.weight.requires_grad_(False)
    return [norm, nn.GELU()]
