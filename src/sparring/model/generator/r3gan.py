"""R3GAN's norm-free residual generator (Huang et al. 2024), scaled by width and depth."""

import torch
from torch import Tensor, nn

from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.generator.base import Generator
from sparring.model.layer.pyramid import pyramid
from sparring.model.layer.resample import upsampler
from sparring.model.layer.residual import ResidualBlock, pointwise, stage_widths


class R3GANGenerator(Generator):
    """A learned basis at the base size, weighted by a linear map of latent and label, then residual stages with upsampling
    between them.

    The output is linear, as in the paper: samples may slightly exceed [-1, 1] in training and are clamped when written.

    Args:
        width: channels at the image size; doubled per stage towards the base, up to `growth` times.
        blocks: residual blocks per stage. expansion: of a block's hidden channels. group_width: channels of a group of its 3x3
            convolution.
        resample: "bilinear" or "low_pass", StyleGAN2's filter, as the authors' code does.
        image_bias: whether the layer to the image has a bias; none in the authors' code.

    Raises:
        ConfigError: hidden channels that do not divide into groups, an image size that doublings do not reach, or an unknown
            `resample`.

    Shapes: latent (N, latent_dim), label (N,) -> images (N, channels, image_size, image_size).
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        latent_dim: int,
        width: int,
        growth: int,
        blocks: int,
        expansion: int,
        group_width: int,
        resample: str,
        image_bias: bool,
        conditioning: ConditioningMaker,
    ) -> None:
        super().__init__()
        base, doublings = pyramid(image_size)
        widths = stage_widths(width, doublings + 1, cap=growth)[::-1]
        self.conditioning = conditioning.make(latent_dim)
        self.basis = nn.Parameter(torch.randn(widths[0], base, base))
        self.mix = nn.Linear(self.conditioning.features, widths[0], bias=False)
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="linear")
        depth = blocks * len(widths)
        stages: list[nn.Module] = []
        for index, after in enumerate(widths):
            if index > 0:
                stages += [pointwise(widths[index - 1], after), upsampler(resample)]
            stages += [
                ResidualBlock(after, expansion=expansion, group_width=group_width, depth=depth) for _ in range(blocks)
            ]
        self.stages = nn.Sequential(*stages)
        self.to_image = nn.Conv2d(widths[-1], channels, 1, bias=image_bias)
        nn.init.kaiming_normal_(self.to_image.weight, nonlinearity="linear")

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        # (W, base, base) * (N, W, 1, 1) -> (N, W, base, base)
        hidden = self.basis * self.mix(self.conditioning(latent, label))[:, :, None, None]
        return self.to_image(self.stages(hidden))
