"""Fully connected generator of the first GAN (Goodfellow et al. 2014, section 5)."""

from torch import Tensor, nn

from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator


class MLPGenerator(Generator):
    """[linear, optional BatchNorm, ReLU] per layer -> linear -> tanh (the paper has a sigmoid, for images in [0, 1]).

    Args:
        width: units of a hidden layer (1200 in the paper's MNIST network). layers: hidden layers (2 there).
        batch_norm: as in the generator of Salimans et al. 2016 for MNIST, against a discriminator with weight norm.

    Shapes: latent (N, latent_dim), label (N,) -> images (N, channels, image_size, image_size) in [-1, 1].
    """

    def __init__(
        self, *, channels: int, image_size: int, latent_dim: int, width: int, layers: int, batch_norm: bool,
        conditioning: ConditioningMaker,
    ) -> None:  # fmt: skip
        super().__init__()
        self.shape = (channels, image_size, image_size)
        self.conditioning = conditioning.make(latent_dim)
        stack: list[nn.Module] = []
        before = self.conditioning.features
        for _ in range(layers):
            norm = [nn.BatchNorm1d(width)] if batch_norm else []
            stack += [nn.Linear(before, width), *norm, nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*stack, nn.Linear(before, channels * image_size**2))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.layers(self.conditioning(latent, label)).tanh().unflatten(1, self.shape)
