"""Fully connected discriminator of the first GAN (Goodfellow et al. 2014, section 5)."""

from torch import Tensor, nn

from sparring.model.discriminator.base import Discriminator
from sparring.model.head.base import HeadMaker
from sparring.model.layer.spectral import spectrally_normalise


class MLPDiscriminator(Discriminator):
    """[linear, maxout] per layer -> head. Without the paper's dropout, whose draws would not be seeded by the run.

    Args:
        width: maxout units of a hidden layer (240 in the paper's MNIST network). layers: hidden layers (2 there).
        pieces: linear pieces of a maxout unit (5 there; Goodfellow et al. 2013). spectral_norm: of all weights.

    Shapes: images (N, channels, image_size, image_size) in [-1, 1], label (N,) -> logits (N,).
    """

    separable = True

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        width: int,
        layers: int,
        pieces: int,
        spectral_norm: bool,
        head: HeadMaker,
    ) -> None:
        super().__init__()
        stack: list[nn.Module] = [nn.Flatten()]
        before = channels * image_size**2
        for _ in range(layers):
            stack += [nn.Linear(before, width * pieces), _Maxout(pieces)]
            before = width
        self.layers = nn.Sequential(*stack)
        self.head = head.make(before)
        if spectral_norm:
            spectrally_normalise(self, embeddings=True)

    def features(self, image: Tensor) -> Tensor:
        return self.layers(image)


class _Maxout(nn.Module):
    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden.unflatten(1, (-1, self.pieces)).amax(dim=2)
