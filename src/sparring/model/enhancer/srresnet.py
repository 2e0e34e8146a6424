"""SRResNet (Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution", figure 4) without BatchNorm."""

from torch import Tensor, nn

from sparring.core.settings import at_least_one
from sparring.model.enhancer.base import Enhancer


class SRResNet(Enhancer):
    """3x3 -> residual blocks -> 3x3, joined with the first -> [3x3, pixel shuffle] to the size -> 3x3.

    The last convolution starts at zero, so that an untrained network is the bicubic enlargement. BatchNorm is left out: its
    statistics blur the range of an image (Lim et al. 2017, section 3.1).

    Args:
        channels: of the image. width: channels inside. blocks: residual blocks.
    """

    def __init__(self, *, channels: int, factor: int, width: int, blocks: int) -> None:
        super().__init__(factor=factor)
        at_least_one(**{"model.enhancer.width": width, "model.enhancer.blocks": blocks})
        self.first = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.PReLU())
        self.blocks = nn.Sequential(*(_Residual(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1))
        grow: list[nn.Module] = []
        if factor > 1:
            grow = [nn.Conv2d(width, width * factor**2, 3, padding=1), nn.PixelShuffle(factor), nn.PReLU()]
        self.grow = nn.Sequential(*grow)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    @property
    def reach(self) -> int:
        """Pixels of the input around a pixel that its output depends on, for tiles that are to join without a seam."""
        return 2 * len(self.blocks) + 4

    def change(self, image: Tensor) -> Tensor:
        hidden = self.first(image)
        return self.last(self.grow(hidden + self.blocks(hidden)))


class _Residual(nn.Module):
    """x + 3x3, PReLU, 3x3 of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.PReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)
