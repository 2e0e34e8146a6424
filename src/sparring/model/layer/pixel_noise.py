"""Noise images that are a pure function of the latent, so that the generator is one too.

StyleGAN2 adds fresh noise to every feature map. With a hash of the latent instead, image i of seed s is the same in any batch,
on any device and after any resume, and no global generator is used. For independent latents the noise is practically
independent; a changed latent gets new noise.
"""

import math

import torch
from torch import Tensor


def _signed(number: int) -> int:
    """`number` modulo 2^64, as a signed 64-bit integer."""
    return (number + 2**63) % 2**64 - 2**63


# SplitMix64 (Steele et al. 2014): its step and the two multipliers of its finaliser.
_STEP, _FIRST, _SECOND = map(_signed, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def seeds_of(latent: Tensor) -> Tensor:
    """(N,) int64: a hash of each row of (N, L), taken of its values in float32."""
    words = latent.detach().float().contiguous().view(torch.int32).long()
    position = torch.arange(1, words.shape[1] + 1, device=words.device) * _STEP
    return _mix(_mix(words + position).sum(dim=1))


def pixel_noise(seeds: Tensor, layer: int, size: int) -> Tensor:
    """(N, 1, size, size) float32, standard normal; other numbers for every seed, `layer` and pixel."""
    return hashed_normal(seeds, layer, size * size).view(-1, 1, size, size)


def hashed_normal(seeds: Tensor, stream: int, count: int) -> Tensor:
    """(N, count) float32, standard normal; other numbers for every seed, `stream` and place."""
    bits = _bits(seeds, stream, count)
    # Box and Muller's transform of two numbers of 24 bits; the first is never zero.
    radius = ((_shift(bits, 40).float() + 0.5) / 2**24).log().mul(-2).sqrt()
    angle = (_shift(bits, 16) & (2**24 - 1)).float() * (2 * math.pi / 2**24)
    return radius * angle.cos()


def hashed_uniform(seeds: Tensor, stream: int, count: int) -> Tensor:
    """(N, count) float32, uniform on [0, 1); other numbers for every seed, `stream` and place."""
    return _shift(_bits(seeds, stream, count), 40).float() / 2**24


def _bits(seeds: Tensor, stream: int, count: int) -> Tensor:
    own = _mix(seeds + _signed((stream + 1) * _FIRST))
    return _mix(own[:, None] + torch.arange(1, count + 1, device=seeds.device) * _STEP)


def _mix(bits: Tensor) -> Tensor:
    bits = (bits ^ _shift(bits, 30)) * _FIRST
    bits = (bits ^ _shift(bits, 27)) * _SECOND
    return bits ^ _shift(bits, 31)


def _shift(bits: Tensor, count: int) -> Tensor:
    """Logical shift to the right; torch's copies the sign bit."""
    return (bits >> count) & (2 ** (64 - count) - 1)
