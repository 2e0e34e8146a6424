"""Random numbers of one image at a time: from (key, image index), whatever images stand beside it in the batch."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sparring.randomness import generator


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
