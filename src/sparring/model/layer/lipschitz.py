"""Whether a network's slope is bounded by construction."""

from torch import nn
from torch.nn.utils.parametrizations import _SpectralNorm

from sparring.model.layer.spectral import SpectralNorm

WITH_WEIGHTS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def is_spectrally_normalised(network: nn.Module) -> bool:
    """Whether every convolution and linear layer of `network` has spectral normalisation and no layer is BatchNorm.

    BatchNorm divides by the standard deviation of its input, so its slope is unbounded.
    """
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules()):
        return False
    layers = [module for module in network.modules() if isinstance(module, WITH_WEIGHTS)]
    return bool(layers) and all(
        any(isinstance(part, SpectralNorm | _SpectralNorm) for part in layer.modules()) for layer in layers
    )
