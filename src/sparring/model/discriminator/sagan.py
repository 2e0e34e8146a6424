"""Self-attention discriminator (Zhang et al. 2019)."""

from sparring.model.discriminator.resnet import ResNetDiscriminator


class SAGANDiscriminator(ResNetDiscriminator):
    """The residual discriminator with one self-attention layer and spectral norm (section 4.1): the YAML sets both."""
