"""Stateless randomness: every random draw comes from a generator seeded by what the draw is for.

`generator("latent", seed, iteration)` gives the same numbers whenever, wherever and in whatever order it is called, so a
resumed run, another worker count or another device count draws what an uninterrupted run on one device would have drawn.
"""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def seed_of(*key: int | str) -> int:
    """A 63-bit seed that depends on every part of `key` and on their order."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(*key: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator on `device`, seeded by `key`, for example `("latent", seed, iteration)`."""
    return torch.Generator(device).manual_seed(seed_of(*key))


def uniform(like: Tensor, *key: int | str, index: Tensor) -> Tensor:
    """Shape, type and device of `like` (N, ...): uniform on [0, 1), row n from (key, index[n])."""
    return rows(torch.rand, like.shape[1:], *key, index=index).to(like)


def normal(like: Tensor, *key: int | str, index: Tensor) -> Tensor:
    """As `uniform`, standard normal."""
    return rows(torch.randn, like.shape[1:], *key, index=index).to(like)


def rows(draw: Callable[..., Tensor], shape: Sequence[int], *key: int | str, index: Tensor) -> Tensor:
    """(N, *shape) float32 on the CPU. Drawn there on every device, so that a GPU attacks as the CPU does."""
    result = torch.empty(len(index), *shape)
    for row, i in zip(result, index.tolist(), strict=True):
        draw(shape, out=row, generator=generator("attack", *key, i))
    return result
