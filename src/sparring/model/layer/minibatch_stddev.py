"""Minibatch standard deviation (Karras et al. 2018, section 3): D gets the diversity of a batch as a feature."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MinibatchStddev(nn.Module):
    """Appends one constant map per image: the standard deviation over its group, averaged over channels and positions.

    Image i of N belongs to group i mod M, M = max(N // group, 1). Groups have `group` images when that divides N, and up
    to one image more per group otherwise, so that any batch size goes.

    On several devices the groups are made of one device's images.

    Args:
        group: images of a group.

    Shapes: (N, C, H, W) -> (N, C + 1, H, W).
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group
        self.sections = 1  # batches that are passed together, each with groups of its own

    def forward(self, hidden: Tensor) -> Tensor:
        parts = hidden.flatten(1).unflatten(0, (self.sections, -1))  # (S, N, F)
        _, count, _ = parts.shape
        groups = max(count // self.group, 1)
        if count % groups:
            stddev = self._of_uneven_groups(parts, groups)
        else:
            members = parts.unflatten(1, (-1, groups))  # (S, N / M, M, F)
            deviation = members - members.mean(dim=1, keepdim=True)
            spread = (deviation.square().mean(dim=1) + 1e-8).sqrt().mean(dim=2)  # (S, M)
            stddev = spread[:, None].expand(-1, count // groups, -1)
        own_map = stddev.reshape(-1, 1, 1, 1).expand(-1, 1, *hidden.shape[2:])
        return torch.cat([hidden, own_map], dim=1)

    def _of_uneven_groups(self, parts: Tensor, groups: int) -> Tensor:
        """(S, N, F) -> (S, N)."""
        number = torch.arange(parts.shape[1], device=parts.device) % groups
        member = torch.nn.functional.one_hot(number, groups).to(parts.dtype)  # (N, M)
        share = member / member.sum(dim=0)
        deviation = parts - member @ (share.T @ parts)
        spread = (share.T @ deviation.square() + 1e-8).sqrt().mean(dim=2)  # (S, M)
        return spread @ member.T


@contextmanager
def sections(network: nn.Module, count: int) -> Iterator[None]:
    """What `network` is given inside are `count` batches of the same size, one behind the other."""
    layers = [module for module in network.modules() if isinstance(module, MinibatchStddev)]
    for layer in layers:
        layer.sections = count
    try:
        yield
    finally:
        for layer in layers:
            layer.sections = 1
