"""No label: one linear unit."""

from torch import Tensor, nn


class Unconditional:
    """The discriminator never sees a label."""

    conditional = False

    def make(self, features: int) -> nn.Module:
        return _Linear(features)


class _Linear(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        return self.linear(features).squeeze(1)
