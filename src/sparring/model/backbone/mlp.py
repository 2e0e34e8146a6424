"""Fully connected classifier with noise before every layer, as the semi-supervised papers use it for MNIST."""

from collections.abc import Sequence
from math import sqrt

from torch import Tensor, nn

from sparring.model.backbone.base import Backbone
from sparring.model.layer.noise import GaussianNoise
from sparring.model.layer.weight_norm import normalised


class MLP(Backbone):
    """[Gaussian noise, weight-normalised linear, ReLU] per width, noise, weight-normalised linear (Salimans et al. 2016).

    Args:
        widths: units of the hidden layers (1000, 500, 250, 250, 250 in the paper).
        input_noise: standard deviation on the image in [-1, 1], so twice the paper's, whose images are in [0, 1].
        noise: standard deviation on hidden units.
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        num_classes: int,
        widths: Sequence[int],
        input_noise: float,
        noise: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        before, std = channels * image_size**2, input_noise
        for width in widths:
            layers += [GaussianNoise(std), normalised(nn.Linear(before, width), sqrt(2)), nn.ReLU()]
            before, std = width, noise
        self.layers = nn.Sequential(*layers)
        self.noise = GaussianNoise(noise)
        self.features_dim = before
        self.head = normalised(nn.Linear(before, num_classes), 1.0)

    def features(self, image: Tensor) -> Tensor:
        return self.layers(image)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.noise(self.features(image)))
