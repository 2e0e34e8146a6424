"""A generator: a small image from one linear layer, enlarged and smoothed."""

from torch import Tensor, nn
from torch.nn.functional import interpolate

from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator


class BilinearGenerator(Generator):
    """latent (N, latent_dim), label (N,) -> images (N, channels, image_size, image_size) in [-1, 1].

    width: channels of the 4 x 4 image that is enlarged.
    """

    def __init__(
        self, *, channels: int, image_size: int, latent_dim: int, width: int, conditioning: ConditioningMaker
    ) -> None:
        super().__init__()
        self.size = image_size
        self.conditioning = conditioning.make(latent_dim)  # the label enters through this alone
        self.first = nn.Linear(self.conditioning.features, width * 16)
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        small = self.first(self.conditioning(latent, label)).unflatten(1, (-1, 4, 4)).relu()
        return self.last(interpolate(small, self.size, mode="bilinear")).tanh()
