"""Batch normalisation with and without a condition vector, and a sequence that passes it on."""

from torch import Tensor, nn


class Norm(nn.Module):
    """Base: (hidden (N, C, H, W), condition (N, K)) -> (N, C, H, W)."""

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define forward(hidden, condition)")


class PlainNorm(Norm):
    """BatchNorm with a learned gain and bias; ignores the condition."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(channels)

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        return self.batch(hidden)


class ConditionalNorm(Norm):
    """BatchNorm whose gain and bias are linear in a condition k (N, K): (1 + A k) * normalised(x) + B k.

    With one-hot conditions this is a gain and a bias per class (Dumoulin et al. 2017; Miyato and Koyama 2018), with
    [shared class embedding, latent chunk] BigGAN's (Brock et al. 2019, appendix B), with a latent alone
    self-modulation (Chen et al. 2019).
    """

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(channels, affine=False)
        self.gain = nn.Linear(condition, channels, bias=False)
        self.bias = nn.Linear(condition, channels, bias=False)

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        gain, bias = 1 + self.gain(condition), self.bias(condition)
        return self.batch(hidden) * gain[:, :, None, None] + bias[:, :, None, None]


class Conditioned(nn.Sequential):
    """A sequence in which every `Norm` also gets the condition (N, K)."""

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        for module in self:
            hidden = module(hidden, condition) if isinstance(module, Norm) else module(hidden)
        return hidden
