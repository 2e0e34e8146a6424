"""Spectral normalisation of a whole network (Miyato et al. 2018, "Spectral normalization for GANs")."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


def spectrally_normalise(network: nn.Module, *, embeddings: bool) -> None:
    """Divide the weight of every convolution and linear layer by its largest singular value (algorithm 1).

    The value is estimated by one power iteration per forward pass in training mode; in eval mode the last estimate is
    kept, so that outputs do not change. A convolution's weight is taken as the matrix (out, in * height * width).

    Args:
        embeddings: also embedding tables, as in the projection discriminator (Miyato and Koyama 2018).
    """
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, *([nn.Embedding] if embeddings else []))
    for module in list(network.modules()):
        if isinstance(module, kinds):
            spectral_norm(module)
