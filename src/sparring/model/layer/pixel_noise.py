"""Noise images that are a pure function of the latent, so that the generator is one too.

StyleGAN2 adds fresh noise to every feature map. With a hash of the latent instead, image i of seed s is the same in any batch,
on any device and after any resume, and no global generator is used. For independent latents the noise is practically
independent; a changed latent gets new noise.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

LARGEST = 2**14  # pixels that are drawn together; larger maps take long enough by themselves


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


class PixelNoise(nn.Module):
    """Noise images of several layers: `hashed_normal` of the layer's number, in few operators for all of them.

    Args:
        sizes: H = W of the layers' maps.

    Buffers, not saved: of each group of layers the step of the hash for every pixel, and which layer it is of.

    Shapes: seeds (N,) int64 -> a list of (N, 1, H, W) float32, standard normal; other numbers for every seed, layer and pixel.
    """

    streams: Tensor

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes, self.groups = list(sizes), _groups([size**2 for size in sizes])
        self.register_buffer("streams", torch.tensor([_stream(layer) for layer in range(len(sizes))]), persistent=False)
        for number, layers in enumerate(self.groups):
            counts = [self.sizes[layer] ** 2 for layer in layers]
            steps = torch.cat([_steps(count) for count in counts])
            self.register_buffer(f"steps_{number}", steps, persistent=False)
            of = torch.cat([torch.full((count,), layer) for layer, count in zip(layers, counts, strict=True)])
            self.register_buffer(f"layer_{number}", of, persistent=False)

    def forward(self, seeds: Tensor) -> list[Tensor]:
        noises: list[Tensor] = []
        own = _mix(seeds[:, None] + self.streams)  # (N, layers)
        for number, layers in enumerate(self.groups):
            steps, layer = self.get_buffer(f"steps_{number}"), self.get_buffer(f"layer_{number}")
            values = _normal(_mix(own[:, layer] + steps))
            sizes = [self.sizes[each] for each in layers]
            parts = values.split([size**2 for size in sizes], dim=1)
            noises += [part.view(-1, 1, size, size) for part, size in zip(parts, sizes, strict=True)]
        return noises


def _groups(counts: Sequence[int]) -> list[list[int]]:
    """Neighbouring numbers, as many in a group as make up to LARGEST values."""
    groups: list[list[int]] = []
    for number, count in enumerate(counts):
        if groups and sum(counts[each] for each in groups[-1]) + count <= LARGEST:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def hashed_normal(seeds: Tensor, stream: int, count: int) -> Tensor:
    """(N, count) float32, standard normal; other numbers for every seed, `stream` and place."""
    return _normal(_bits(seeds, stream, count))


def _normal(bits: Tensor) -> Tensor:
    # Box and Muller's transform of two numbers of 24 bits; the first is never zero.
    radius = ((_shift(bits, 40).float() + 0.5) / 2**24).log().mul(-2).sqrt()
    angle = (_shift(bits, 16) & (2**24 - 1)).float() * (2 * math.pi / 2**24)
    return radius * angle.cos()


def hashed_uniform(seeds: Tensor, stream: int, count: int) -> Tensor:
    """(N, count) float32, uniform on [0, 1); other numbers for every seed, `stream` and place."""
    return _shift(_bits(seeds, stream, count), 40).float() / 2**24


def _bits(seeds: Tensor, stream: int, count: int) -> Tensor:
    return _mix(_mix(seeds + _stream(stream))[:, None] + _steps(count, device=seeds.device))


def _stream(number: int) -> int:
    return _signed((number + 1) * _FIRST)


def _steps(count: int, device: torch.device | None = None) -> Tensor:
    return torch.arange(1, count + 1, device=device) * _STEP


def _mix(bits: Tensor) -> Tensor:
    bits = (bits ^ _shift(bits, 30)) * _FIRST
    bits = (bits ^ _shift(bits, 27)) * _SECOND
    return bits ^ _shift(bits, 31)


def _shift(bits: Tensor, count: int) -> Tensor:
    """Logical shift to the right; torch's copies the sign bit."""
    return (bits >> count) & (2 ** (64 - count) - 1)
