"""The base of generators: networks of a latent and a label."""

from torch import Tensor, nn

from sparring.model.conditioning.base import Conditioning


class Generator(nn.Module):
    """Subclasses set `conditioning`, through which alone the label enters, and define `forward`.

    Their arguments `channels` and `image_size` are those of the images, `latent_dim` the size of the latent, `conditioning` the
    leaf that makes the label module.

    Shapes: latent (N, L), label (N,) int64 -> images (N, C, H, W) in [-1, 1].
    """

    conditioning: Conditioning

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        """Latents (N, L) and classes (N,) int64 -> images (N, C, H, W)."""
        raise TypeError(f"{type(self).__name__} must define forward(latent, label)")


class StyleGenerator(Generator):
    """A generator in two halves, for what works on styles (path length regularization).

    Subclasses set `layers`: how many layers of the synthesis can have a style of their own.
    """

    layers: int

    def style(self, latent: Tensor, label: Tensor) -> Tensor:
        """Latents (N, L) and classes (N,) -> styles (N, S)."""
        raise TypeError(f"{type(self).__name__} must define style(latent, label)")

    def synthesis(self, style: Tensor, seeds: Tensor) -> Tensor:
        """Styles (N, S), or one for each layer (N, layers, S), and noise seeds (N,) int64 -> images (N, C, H, W).

        seeds: `layer.pixel_noise.seeds_of(latent)`.
        """
        raise TypeError(f"{type(self).__name__} must define synthesis(style, seeds)")
