"""Small convolutional discriminator without normalisation layers, for two CPU cores."""

from torch import Tensor, nn

from sparring.model.discriminator.base import Discriminator
from sparring.model.head.base import HeadMaker
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.spectral import spectrally_normalise


class ConvDiscriminator(Discriminator):
    """[4x4 stride-2 convolution, leaky ReLU] per halving -> 3x3 stride-2 convolution -> head.

    Args:
        width: channels at half the image size; doubled with every halving, up to 8 times.
        spectral_norm: of all weights, with the head's.

    Shapes: images (N, channels, image_size, image_size) in [-1, 1], label (N,) -> logits (N,).
    """

    separable = True

    def __init__(self, *, channels: int, image_size: int, width: int, spectral_norm: bool, head: HeadMaker) -> None:
        super().__init__()
        base, halvings = pyramid(image_size)
        blocks: list[nn.Module] = []
        before = channels
        for block in range(halvings):
            after = width * min(2**block, 8)
            blocks += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            before = after
        after = width * min(2**halvings, 8)
        blocks += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Flatten()]
        self.blocks = nn.Sequential(*blocks)
        self.head = head.make(after * ((base + 1) // 2) ** 2)
        if spectral_norm:
            spectrally_normalise(self, embeddings=True)

    def features(self, image: Tensor) -> Tensor:
        return self.blocks(image)
