"""No conditioning: the networks never see a label."""

from torch import Tensor, nn

from sparring.model.conditioning.base import Code


class Unconditional:
    """The latent is the code; the head is one linear unit. `num_classes` is accepted so that all leaves look alike."""

    conditional = False

    def __init__(self, *, num_classes: int) -> None:
        self.num_classes = num_classes

    def code(self, latent_dim: int) -> Code:
        return _Latent(latent_dim)

    def head(self, features: int) -> nn.Module:
        return _Head(features)


class _Latent(Code):
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.features = latent_dim

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return latent


class _Head(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        return self.linear(features).squeeze(1)
