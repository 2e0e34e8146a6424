"""Minibatch standard deviation (Karras et al. 2018, section 3): D gets the diversity of a batch as a feature."""

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

    def forward(self, hidden: Tensor) -> Tensor:
        count, _, height, width = hidden.shape
        groups = max(count // self.group, 1)
        index = torch.arange(count, device=hidden.device) % groups
        member = torch.nn.functional.one_hot(index, groups).to(hidden.dtype)  # (N, M)
        share = member / member.sum(dim=0)
        flat = hidden.flatten(1)
        deviation = flat - member @ (share.T @ flat)
        stddev = (share.T @ deviation.square() + 1e-8).sqrt().mean(dim=1)  # (M,)
        return torch.cat([hidden, (member @ stddev)[:, None, None, None].expand(-1, 1, height, width)], dim=1)
