"""BigGAN generator (Brock et al. 2019, appendix B, figure 15): every block gets a chunk of the latent."""

from functools import partial

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator
from sparring.model.layer.attention import stage_at
from sparring.model.layer.initialise import initialise
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.residual import stage_widths
from sparring.model.layer.resnet import UpStack
from sparring.model.layer.spectral import spectrally_normalise


class BigGANGenerator(Generator):
    """The latent is cut into one chunk for the first layer and one per residual block, an input of its norms.

    With `conditioning=cbn` (`shared_dim` > 0) the norms get [shared class embedding, chunk], as published; with
    `conditioning=concat` the embedding goes to the first layer, and with `conditioning=none` the norms get their chunk alone.
    Chunks have the same size, except that the first also gets the remainder of the division.

    Args:
        width: channels at the image size; doubled per block towards the base, up to `growth` times.
        attention: self-attention where the feature map has image_size / `attention` pixels.
        init: initialiser, see `layer/initialise.py`. spectral_norm: of all weights but embeddings.

    Raises:
        ConfigError: fewer latent numbers than chunks, or an image size or `attention` that does not fit.

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
        attention: int,
        init: str,
        spectral_norm: bool,
        conditioning: ConditioningMaker,
    ) -> None:
        super().__init__()
        self.base, doublings = pyramid(image_size)
        if latent_dim <= doublings:
            raise ConfigError(
                f"model.latent_dim={latent_dim} cannot be cut into {doublings + 1} chunks, one for the first layer and one "
                f"per block; set model.latent_dim={doublings + 1} or more."
            )
        widths = stage_widths(width, doublings + 1, cap=growth)[::-1]
        at = stage_at(image_size, attention, [self.base * 2**stage for stage in range(doublings + 1)])
        chunk = latent_dim // (doublings + 1)
        self.chunks = [latent_dim - doublings * chunk] + [chunk] * doublings
        self.conditioning = conditioning.make(self.chunks[0])
        self.first = nn.Linear(self.conditioning.features, widths[0] * self.base**2)
        self.stack = UpStack(channels, widths, partial(self.conditioning.norm, latent=chunk), attention=at)
        initialise(self, init)
        if spectral_norm:
            spectrally_normalise(self, embeddings=False)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        first, *rest = latent.split(self.chunks, dim=1)
        hidden = self.first(self.conditioning(first, label)).unflatten(
            1, (-1, self.base, self.base)
        )  # (N, W, base, base)
        condition = self.conditioning.condition(first, label)  # (N, condition_features)
        return self.stack(hidden, [torch.cat([condition, chunk], dim=1) for chunk in rest])
