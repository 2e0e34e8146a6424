"""How near a restored image is to the original. Images (N, C, H, W) in [-1, 1]; one value per image."""

import torch
from torch import Tensor

PERFECT = 100.0  # dB of equal images, whose PSNR is infinite


def psnr(image: Tensor, original: Tensor) -> Tensor:
    """(N,) peak signal-to-noise ratio in dB, 10 log10 (4 / mean squared error), at most PERFECT."""
    error = (image.double() - original.double()).square().flatten(1).mean(1)
    return (10 * torch.log10(4 / error.clamp(min=1e-30))).clamp(max=PERFECT)


def ssim(image: Tensor, original: Tensor) -> Tensor:
    """(N,) structural similarity (Wang et al. 2004) under a Gaussian of 1.5 pixels, in [-1, 1]; images of 6 pixels and more."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    parts = zip(image.split(256), original.split(256), strict=True)
    found = [
        structural_similarity_index_measure((x.float() + 1) / 2, (y.float() + 1) / 2, data_range=1.0, reduction="none")
        for x, y in parts
    ]
    return torch.cat([each.reshape(-1) for each in found if isinstance(each, Tensor)])
