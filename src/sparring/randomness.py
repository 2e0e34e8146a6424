"""Stateless randomness: every random draw comes from a generator seeded by what the draw is for.

`generator("latent", seed, iteration)` gives the same numbers whenever, wherever and in whatever order it is called, so a
resumed run, another worker count or another device count draws what an uninterrupted run on one device would have drawn.
"""

import hashlib

import torch


def seed_of(*key: int | str) -> int:
    """A 63-bit seed that depends on every part of `key` and on their order."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(*key: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator on `device`, seeded by `key`, for example `("latent", seed, iteration)`."""
    return torch.Generator(device).manual_seed(seed_of(*key))
