"""Self-attention discriminator (Zhang et al. 2019): the residual discriminator with attention at one resolution."""

from torch import Tensor

from sparring.model.discriminator.base import Discriminator
from sparring.model.head.base import HeadMaker
from sparring.model.layer.attention import stage_at
from sparring.model.layer.initialise import initialise
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.residual import stage_widths
from sparring.model.layer.resnet import DownStack, halvings_of
from sparring.model.layer.spectral import spectrally_normalise


class SAGANDiscriminator(Discriminator):
    """As `resnet`, with one self-attention layer where the feature map has image_size / `attention` pixels.

    width: channels of the first block; doubled per block, up to `growth` times.
    flat: how many of the last blocks keep the size. init: initialiser, see `layer/initialise.py`.
    spectral_norm: of all weights, the head's included.

    Shapes: images (N, channels, image_size, image_size) in [-1, 1], label (N,) -> logits (N,).
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        width: int,
        growth: int,
        flat: int,
        attention: int,
        init: str,
        spectral_norm: bool,
        head: HeadMaker,
    ) -> None:
        super().__init__()
        _, doublings = pyramid(image_size)
        widths = stage_widths(width, doublings + 1, cap=growth)
        halvings = halvings_of(doublings, flat)
        at = stage_at(image_size, attention, [image_size // 2 ** (step + 1) for step in range(halvings)])
        self.stack = DownStack(channels, widths, halvings=halvings, batch_norm=False, attention=at)
        self.head = head.make(widths[-1])
        initialise(self, init)
        if spectral_norm:
            spectrally_normalise(self, embeddings=True)

    def features(self, image: Tensor) -> Tensor:
        return self.stack(image)
