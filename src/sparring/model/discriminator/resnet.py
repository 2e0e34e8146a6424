"""Residual discriminator of WGAN-GP and SNGAN (Gulrajani et al. 2017, appendix F; Miyato et al. 2018, tables 4 and 5)."""

from torch import Tensor

from sparring.model.discriminator.base import Discriminator
from sparring.model.head.base import HeadMaker
from sparring.model.layer.attention import stage_at
from sparring.model.layer.initialise import initialise
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.residual import stage_widths
from sparring.model.layer.resnet import DownStack, halvings_of
from sparring.model.layer.spectral import spectrally_normalise


class ResNetDiscriminator(Discriminator):
    """Residual blocks, one more than the generator has, of which the last `flat` keep the size; sum over positions; head.

    Args:
        width: channels of the first block; doubled per block, up to `growth` times.
        flat: last blocks that keep the size.
        attention: self-attention where the feature map has image_size / `attention` pixels; None: nowhere.
        batch_norm: before the blocks' activations; not in the papers (a gradient penalty is per image, BatchNorm couples images).
        init: initialiser, see `layer/initialise.py`. spectral_norm: of all weights, with the head's.

    Raises:
        ConfigError: an image size or `attention` that does not fit.

    Shapes: images (N, channels, image_size, image_size) in [-1, 1], label (N,) -> logits (N,).
    """

    separable = True

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        width: int,
        growth: int,
        flat: int,
        attention: int | None,
        batch_norm: bool,
        init: str,
        spectral_norm: bool,
        head: HeadMaker,
    ) -> None:
        super().__init__()
        _, doublings = pyramid(image_size)
        widths = stage_widths(width, doublings + 1, cap=growth)
        halvings = halvings_of(doublings, flat)
        at = stage_at(image_size, attention, [image_size // 2 ** (step + 1) for step in range(halvings)])
        self.stack = DownStack(channels, widths, halvings=halvings, batch_norm=batch_norm, attention=at)
        self.head = head.make(widths[-1])
        initialise(self, init)
        if spectral_norm:
            spectrally_normalise(self, embeddings=True)

    def features(self, image: Tensor) -> Tensor:
        return self.stack(image)
