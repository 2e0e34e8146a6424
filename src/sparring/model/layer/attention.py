"""Self-attention over the positions of a feature map (Zhang et al. 2019, "Self-attention GANs", equations 1 to 3)."""

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError


class SelfAttention(nn.Module):
    """x + gamma * W_v(softmax(f(x)^T g(x)) h(x)), gamma starting at zero: at first the layer is the identity.

    Queries and keys have an eighth of the channels, values half; keys and values are max-pooled 2x2, as in BigGAN
    (Brock et al. 2019, appendix B). 1x1 convolutions without bias.

    Shapes: (N, C, H, W) -> the same, H and W at least 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        self.query = nn.Conv2d(channels, narrow, 1, bias=False)
        self.key = nn.Conv2d(channels, narrow, 1, bias=False)
        self.value = nn.Conv2d(channels, half, 1, bias=False)
        self.out = nn.Conv2d(half, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, hidden: Tensor) -> Tensor:
        pool = nn.functional.max_pool2d
        query = self.query(hidden).flatten(2)  # (N, C/8, HW)
        key = pool(self.key(hidden), 2).flatten(2)  # (N, C/8, HW/4)
        value = pool(self.value(hidden), 2).flatten(2)  # (N, C/2, HW/4)
        weights = (query.transpose(1, 2) @ key).softmax(dim=2)  # (N, HW, HW/4)
        attended = (value @ weights.transpose(1, 2)).unflatten(2, hidden.shape[2:])  # (N, C/2, H, W)
        return hidden + self.gamma * self.out(attended)


def stage_at(image_size: int, divisor: int | None, sizes: list[int]) -> int | None:
    """Index in `sizes`, those of a network's feature maps, of image_size / divisor; None for a divisor of None.

    Raises:
        ConfigError: there is no map of that size; names the sizes.
    """
    if divisor is None:
        return None
    if image_size % divisor == 0 and image_size // divisor in sizes:
        return sizes.index(image_size // divisor)
    good = sorted({image_size // size for size in sizes})
    raise ConfigError(
        f"attention={divisor} asks for self-attention where the feature map has image_size / {divisor} = "
        f"{image_size / divisor:g} pixels, but the maps have {', '.join(map(str, sizes))}; "
        f"give one of {', '.join(map(str, good))}."
    )
