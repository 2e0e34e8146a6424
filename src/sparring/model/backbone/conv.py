"""Strided convolutional classifier with noise and weight norm, without BatchNorm, which would mix real and generated images."""

from math import sqrt

from torch import Tensor, nn

from sparring.model.backbone.base import Backbone
from sparring.model.layer.noise import GaussianNoise
from sparring.model.layer.weight_norm import normalised


class Conv(Backbone):
    """Noise -> 4x4/2, 3x3, 4x4/2, 3x3 convolutions of `width`, 2, 2 and 4 times that, leaky ReLU and noise -> mean -> linear.

    Modelled on Salimans et al. 2016, section 5.2, small enough for two CPU cores: strides early, Gaussian noise in place of
    dropout. Image sizes from 4.

    Args:
        width: channels of the first convolution.
        input_noise: standard deviation on the image in [-1, 1]. noise: on the feature maps and features.
    """

    def __init__(self, *, channels: int, num_classes: int, width: int, input_noise: float, noise: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [GaussianNoise(input_noise)]
        before = channels
        for index, (after, kernel) in enumerate(
            zip((width, 2 * width, 2 * width, 4 * width), (4, 3, 4, 3), strict=True)
        ):
            if index:
                layers.append(GaussianNoise(noise))
            conv = nn.Conv2d(before, after, kernel, stride=2 if kernel == 4 else 1, padding=1)
            layers += [normalised(conv, sqrt(2)), nn.LeakyReLU(0.1)]
            before = after
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.noise = GaussianNoise(noise)
        self.features_dim = before
        self.head = normalised(nn.Linear(before, num_classes), sqrt(2))

    def features(self, image: Tensor) -> Tensor:
        return self.layers(image)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.noise(self.features(image)))
