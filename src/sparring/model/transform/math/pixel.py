"""Changes of brightness, colour and detail, batched: one factor or threshold per image.

Images (N, C, H, W) in [-1, 1]; factor (N,), where 1 is no change. Formulas are Pillow's (ImageEnhance, ImageOps): the
result lies on the line from a degenerate image (factor 0) through the image (factor 1), cut to [-1, 1].
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

LUMA = (0.299, 0.587, 0.114)  # ITU-R 601


def brightness(image: Tensor, factor: Tensor) -> Tensor:
    """Degenerate: black."""
    return _blend(torch.full_like(image, -1), image, factor)


def contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Degenerate: the image's mean grey."""
    return _blend(luma(image).mean(dim=(2, 3), keepdim=True), image, factor)


def saturation(image: Tensor, factor: Tensor) -> Tensor:
    """Degenerate: the image in greys. Images without three channels stay."""
    return _blend(luma(image), image, factor) if image.shape[1] == 3 else image


def sharpness(image: Tensor, factor: Tensor) -> Tensor:
    """Degenerate: smoothed by [1 1 1; 1 5 1; 1 1 1] / 13, but for the outermost pixels."""
    channels = image.shape[1]
    kernel = torch.ones(3, 3, dtype=image.dtype, device=image.device)
    kernel[1, 1] = 5
    smooth = image.clone()
    smooth[..., 1:-1, 1:-1] = conv2d(image, (kernel / 13).expand(channels, 1, 3, 3), groups=channels)
    return _blend(smooth, image, factor)


def posterize(image: Tensor, bits: Tensor) -> Tensor:
    """Keeps the highest `bits` (N,), 1 to 8, of each 8-bit value."""
    step = torch.exp2(8 - bits)[:, None, None, None].to(image.dtype)
    return _from_bytes((_to_bytes(image) / step).floor() * step)


def solarize(image: Tensor, threshold: Tensor) -> Tensor:
    """Inverts what is at least `threshold` (N,), in [-1, 1]."""
    return torch.where(image < threshold[:, None, None, None].to(image.dtype), image, -image)


def autocontrast(image: Tensor) -> Tensor:
    """Stretches each channel of each image to the whole range; a channel of one value stays."""
    low, high = image.amin(dim=(2, 3), keepdim=True), image.amax(dim=(2, 3), keepdim=True)
    extent = high - low
    return torch.where(extent > 0, (image - low) / extent.clamp(min=1e-12) * 2 - 1, image)


def luma(image: Tensor) -> Tensor:
    """(N, 1, H, W) greys; the mean of the channels if they are not three."""
    if image.shape[1] != 3:
        return image.mean(dim=1, keepdim=True)
    weight = torch.tensor(LUMA, dtype=image.dtype, device=image.device)
    return (image * weight[:, None, None]).sum(dim=1, keepdim=True)


def _blend(degenerate: Tensor, image: Tensor, factor: Tensor) -> Tensor:
    factor = factor[:, None, None, None].to(image.dtype)
    return (degenerate + factor * (image - degenerate)).clamp(-1, 1)


def _to_bytes(image: Tensor) -> Tensor:
    return ((image + 1) * 127.5).round()


def _from_bytes(value: Tensor) -> Tensor:
    return value / 127.5 - 1
