"""No label: the first layer gets the latent."""

from torch import Tensor

from sparring.model.conditioning.base import Conditioning


class NoConditioning:
    """An unconditional generator."""

    conditional = False

    def make(self, latent_dim: int) -> Conditioning:
        return _Latent(latent_dim)


class _Latent(Conditioning):
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.features = latent_dim

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return latent
