"""Residual generator of WGAN-GP and SNGAN (Gulrajani et al. 2017, appendix F; Miyato et al. 2018, tables 4 and 5)."""

from torch import Tensor, nn

from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator
from sparring.model.layer.attention import stage_at
from sparring.model.layer.initialise import initialise
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.residual import stage_widths
from sparring.model.layer.resnet import UpStack
from sparring.model.layer.spectral import spectrally_normalise


class ResNetGenerator(Generator):
    """linear -> [residual block that doubles the size] ... -> BatchNorm, ReLU, 3x3 convolution, tanh.

    Args:
        width: channels at the image size; doubled per block towards the base, up to `growth` times.
        attention: self-attention where the feature map has image_size / `attention` pixels; None: nowhere.
        init: initialiser, see `layer/initialise.py`. spectral_norm: of all weights but embeddings.

    Raises:
        ConfigError: an image size or `attention` that does not fit.

    Shapes: latent (N, latent_dim), label (N,) -> images (N, channels, image_size, image_size) in [-1, 1].
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        latent_dim: int,
        width: int,
        growth: int,
        attention: int | None,
        init: str,
        spectral_norm: bool,
        conditioning: ConditioningMaker,
    ) -> None:
        super().__init__()
        self.base, doublings = pyramid(image_size)
        widths = stage_widths(width, doublings + 1, cap=growth)[::-1]
        at = stage_at(image_size, attention, [self.base * 2**stage for stage in range(doublings + 1)])
        self.conditioning = conditioning.make(latent_dim)
        self.first = nn.Linear(self.conditioning.features, widths[0] * self.base**2)
        self.stack = UpStack(channels, widths, self.conditioning.norm, attention=at)
        initialise(self, init)
        if spectral_norm:
            spectrally_normalise(self, embeddings=False)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        hidden = self.first(self.conditioning(latent, label)).unflatten(
            1, (-1, self.base, self.base)
        )  # (N, W, base, base)
        condition = self.conditioning.condition(latent, label)
        return self.stack(hidden, [condition] * len(self.stack.blocks))
