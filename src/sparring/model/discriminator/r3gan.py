"""R3GAN's norm-free residual discriminator (Huang et al. 2024), scaled by width and depth."""

from torch import Tensor, nn

from sparring.model.discriminator.base import Discriminator
from sparring.model.head.base import HeadMaker
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.resample import downsampler
from sparring.model.layer.residual import ResidualBlock, pointwise, stage_widths


class R3GANDiscriminator(Discriminator):
    """Mirror of the generator: residual stages with halving between them, then one weight per position.

    Args:
        width, growth, blocks, expansion, group_width, resample: as of `R3GANGenerator`.
        image_bias: whether the layer from the image has a bias; none in the authors' code.

    Shapes: images (N, channels, image_size, image_size), label (N,) -> logits (N,).
    """

    separable = True

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        width: int,
        growth: int,
        blocks: int,
        expansion: int,
        group_width: int,
        resample: str,
        image_bias: bool,
        head: HeadMaker,
    ) -> None:
        super().__init__()
        base, halvings = pyramid(image_size)
        widths = stage_widths(width, halvings + 1, cap=growth)
        self.from_image = nn.Conv2d(channels, widths[0], 1, bias=image_bias)
        nn.init.kaiming_normal_(self.from_image.weight, nonlinearity="linear")
        depth = blocks * len(widths)
        stages: list[nn.Module] = []
        for index, after in enumerate(widths):
            if index > 0:
                stages += [downsampler(resample), pointwise(widths[index - 1], after)]
            stages += [
                ResidualBlock(after, expansion=expansion, group_width=group_width, depth=depth) for _ in range(blocks)
            ]
        # The paper's discriminative basis: a depthwise convolution as large as the map.
        self.basis = nn.Conv2d(widths[-1], widths[-1], base, groups=widths[-1], bias=False)
        nn.init.kaiming_normal_(self.basis.weight, nonlinearity="linear")
        self.stages = nn.Sequential(*stages)
        self.head = head.make(widths[-1])

    def features(self, image: Tensor) -> Tensor:
        return self.basis(self.stages(self.from_image(image))).flatten(1)
