"""Conditional batch normalisation: the label sets gain and bias of the generator's norms (Dumoulin et al. 2017)."""

from torch import Tensor, nn

from sparring.model.conditioning.base import Conditioning
from sparring.model.layer.norm import Norm


class ConditionalBatchNorm:
    """The first layer gets the latent, the norms get the label.

    Only for generators with batch normalisation: dcgan, resnet, sagan, biggan.

    Args:
        shared_dim: size of one class embedding that all norms share (BigGAN, Brock et al. 2019); 0 gives every norm a gain
            and a bias per class (SNGAN, Miyato and Koyama 2018).
    """

    conditional = True

    def __init__(self, *, num_classes: int, shared_dim: int) -> None:
        self.num_classes, self.shared_dim = num_classes, shared_dim

    def make(self, latent_dim: int) -> Conditioning:
        return _Norms(latent_dim, self.num_classes, self.shared_dim)


class _Norms(Conditioning):
    def __init__(self, latent_dim: int, num_classes: int, shared_dim: int) -> None:
        super().__init__()
        self.features, self.condition_features = latent_dim, shared_dim or num_classes
        self.embedding = nn.Embedding(num_classes, shared_dim) if shared_dim else None
        self.enters = False

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return latent

    def condition(self, latent: Tensor, label: Tensor) -> Tensor:
        if self.embedding is None:
            return nn.functional.one_hot(label, self.condition_features).to(latent.dtype)
        return self.embedding(label)

    def norm(self, channels: int, *, latent: int = 0) -> Norm:
        self.enters = True
        return super().norm(channels, latent=latent)
