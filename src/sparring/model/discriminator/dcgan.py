"""DCGAN discriminator (Radford et al. 2016, section 3) for image sizes of 4 to 7 times a power of two."""

from torch import Tensor, nn

from sparring.model.discriminator.base import Discriminator
from sparring.model.head.base import HeadMaker
from sparring.model.layer.initialise import dcgan_normal
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.spectral import spectrally_normalise


class DCGANDiscriminator(Discriminator):
    """[4x4 stride-2 convolution, BatchNorm (not in the first), leaky ReLU 0.2] per halving -> head.

    Args:
        width: channels after the first convolution, `ndf` in common implementations; doubled with every halving, up to 8 times.
        batch_norm: as in the paper; penalties on single images' gradients (wgan_gp, r1) need it off.
        spectral_norm: of all weights, with the head's.
        zero_biases: with `batch_norm`, at the start; else those of the first convolution and the head are as PyTorch draws them,
            larger than what N(0, 0.02) weights make of an image, so that leaky ReLU starts almost linear.

    Shapes: images (N, channels, image_size, image_size) in [-1, 1], label (N,) -> logits (N,).
    """

    separable = True

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        width: int,
        batch_norm: bool,
        spectral_norm: bool,
        head: HeadMaker,
        zero_biases: bool = True,
    ) -> None:
        super().__init__()
        base, halvings = pyramid(image_size)
        blocks: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        before = width
        for block in range(1, halvings):
            after = width * min(2**block, 8)
            blocks += [
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not batch_norm),
                *([nn.BatchNorm2d(after)] if batch_norm else []),
                nn.LeakyReLU(0.2),
            ]
            before = after
        self.blocks = nn.Sequential(*blocks, nn.Flatten())
        self.head = head.make(before * base**2)
        if (
            batch_norm
        ):  # rescales what N(0, 0.02) shrinks; without, the slope of D would start at a ninth of the usual one
            dcgan_normal(self, zero_biases=zero_biases)
        if spectral_norm:
            spectrally_normalise(self, embeddings=True)

    def features(self, image: Tensor) -> Tensor:
        return self.blocks(image)
