"""Self-attention generator (Zhang et al. 2019)."""

from sparring.model.generator.resnet import ResNetGenerator


class SAGANGenerator(ResNetGenerator):
    """The residual generator with one self-attention layer and spectral norm (section 4.1): the YAML sets both."""
