"""DCGAN generator (Radford et al. 2016, figure 1) for image sizes of 4 to 7 times a power of two."""

from itertools import pairwise

from torch import Tensor, nn

from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator
from sparring.model.layer.initialise import dcgan_normal
from sparring.model.layer.norm import Conditioned
from sparring.model.layer.pyramid import pyramid


class DCGANGenerator(Generator):
    """linear -> BatchNorm, ReLU -> [4x4 stride-2 transposed convolution, BatchNorm, ReLU] ... -> tanh.

    Args:
        width: channels before the last doubling, `ngf` in common implementations; doubled per block towards the base, up to
            8 times.

    Shapes: latent (N, latent_dim), label (N,) -> images (N, channels, image_size, image_size) in [-1, 1].
    """

    def __init__(
        self, *, channels: int, image_size: int, latent_dim: int, width: int, conditioning: ConditioningMaker
    ) -> None:
        super().__init__()
        self.base, doublings = pyramid(image_size)
        widths = [width * min(2 ** (doublings - 1 - block), 8) for block in range(doublings)]
        self.conditioning = conditioning.make(latent_dim)
        self.first = nn.Linear(self.conditioning.features, widths[0] * self.base**2, bias=False)
        blocks: list[nn.Module] = [self.conditioning.norm(widths[0]), nn.ReLU()]
        for before, after in pairwise(widths):
            blocks += [
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
                self.conditioning.norm(after),
                nn.ReLU(),
            ]
        blocks += [nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1), nn.Tanh()]
        self.blocks = Conditioned(*blocks)
        dcgan_normal(self)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        hidden = self.first(self.conditioning(latent, label)).unflatten(
            1, (-1, self.base, self.base)
        )  # (N, W, base, base)
        return self.blocks(hidden, self.conditioning.condition(latent, label))
