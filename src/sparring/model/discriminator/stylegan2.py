"""StyleGAN2 discriminator (Karras et al. 2020, section 4.1), written from the paper, without compiled operations."""

from itertools import pairwise

from torch import Tensor, nn

from sparring.model.discriminator.base import Discriminator
from sparring.model.head.base import HeadMaker
from sparring.model.layer.equalised import equalise
from sparring.model.layer.minibatch_stddev import MinibatchStddev
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.resample import LowPass
from sparring.model.layer.residual import stage_widths
from sparring.model.layer.style import GainedLeakyReLU


class StyleGAN2Discriminator(Discriminator):
    """1x1 convolution -> [3x3, 3x3 with halving] per halving -> minibatch stddev -> 3x3 -> linear -> head.

    The head's layers get the equalised learning rate too.

    Args:
        width: channels at the image size; doubled per block towards the base, up to `growth` times.
        residual: a 1x1 shortcut around every block (the paper's choice; its CIFAR-10 setting has none).
        group: images that the minibatch standard deviation is taken over.

    Shapes: images (N, channels, image_size, image_size), label (N,) -> logits (N,).
    """

    separable = True

    def __init__(
        self, *, channels: int, image_size: int, width: int, growth: int, residual: bool, group: int, head: HeadMaker
    ) -> None:
        super().__init__()
        base, halvings = pyramid(image_size)
        widths = stage_widths(width, halvings + 1, cap=growth)
        last = widths[-1]
        self.blocks = nn.Sequential(
            nn.Conv2d(channels, width, 1),
            GainedLeakyReLU(),
            *[_Block(before, after, residual=residual) for before, after in pairwise(widths)],
        )
        self.end = nn.Sequential(
            MinibatchStddev(group),
            nn.Conv2d(last + 1, last, 3, padding=1),
            GainedLeakyReLU(),
            nn.Flatten(),
            nn.Linear(last * base**2, last),
            GainedLeakyReLU(),
        )
        self.head = head.make(last)
        equalise(self)

    def features(self, image: Tensor) -> Tensor:
        return self.end(self.blocks(image))


class _Block(nn.Module):
    def __init__(self, before: int, after: int, *, residual: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, before, 3, padding=1)
        self.second = nn.Conv2d(before, after, 3, stride=2)
        self.shortcut = nn.Conv2d(before, after, 1, bias=False) if residual else None
        self.activation, self.low_pass = GainedLeakyReLU(), LowPass()

    def forward(self, hidden: Tensor) -> Tensor:
        branch = self.activation(self.first(hidden))
        branch = self.activation(self.second(self.low_pass(branch, padding=2)))
        if self.shortcut is None:
            return branch
        return (self.shortcut(self.low_pass.downsample(hidden)) + branch) * 2**-0.5
