"""Small convolutional generator without normalisation layers, for two CPU cores."""

from itertools import pairwise

from torch import Tensor, nn

from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator
from sparring.model.layer.pyramid import pyramid


class ConvGenerator(Generator):
    """linear -> [upsample by two, 3x3 convolution, leaky ReLU] per doubling -> 3x3 convolution -> tanh.

    Upsampling before a 3x3 convolution avoids the checkerboard patterns of 4x4 transposed convolutions (Odena et al. 2016).

    Args:
        width: channels at half the image size; doubled per block towards the base, up to 8 times.

    Shapes: latent (N, latent_dim), label (N,) -> images (N, channels, image_size, image_size) in [-1, 1].
    """

    def __init__(
        self, *, channels: int, image_size: int, latent_dim: int, width: int, conditioning: ConditioningMaker
    ) -> None:
        super().__init__()
        self.base, doublings = pyramid(image_size)
        widths = [width * min(2 ** (doublings - 1 - block), 8) for block in range(doublings)] + [width // 2]
        self.conditioning = conditioning.make(latent_dim)
        self.first = nn.Linear(self.conditioning.features, widths[0] * self.base**2)
        blocks: list[nn.Module] = [nn.LeakyReLU(0.2)]
        for before, after in pairwise(widths):
            blocks += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.2)]
        self.blocks = nn.Sequential(*blocks)
        self.to_image = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        hidden = self.first(self.conditioning(latent, label)).unflatten(
            1, (-1, self.base, self.base)
        )  # (N, W, base, base)
        return self.to_image(self.blocks(hidden)).tanh()
