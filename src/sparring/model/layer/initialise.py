"""Weight initialisers that several networks share."""

from torch import nn


def dcgan_normal(network: nn.Module) -> None:
    """N(0, 0.02) for every convolution and linear layer, N(1, 0.02) for BatchNorm (Radford et al. 2016, section 4)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
