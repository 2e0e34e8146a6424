"""BatchNorm over the images of all devices: on CPU and GPU, and differentiable twice, as gradient penalties need it.

torch's SyncBatchNorm is for GPUs alone, and differentiable once.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sparring.core.distributed import active, mean_of_all
from sparring.core.errors import ConfigError


class SynchronisedNorm(_BatchNorm):
    """In training on several devices: (x - mean) / sqrt(variance + eps) * gain + bias over all their images; else BatchNorm.

    Every device must have the same number of images.

    Args:
        norm: a BatchNorm; its parameters and buffers are taken over, and keep their names.

    Shapes: (N, C) or (N, C, H, W) -> the same.
    """

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        for name, value in (*norm.named_parameters(), *norm.named_buffers()):
            setattr(self, name, value)
        self.train(norm.training)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"BatchNorm takes (N, C, ...), got {tuple(input.shape)}.")

    def forward(self, input: Tensor) -> Tensor:
        if not (self.training and active()):
            return super().forward(input)
        dims, shape = [0, *range(2, input.ndim)], [1, -1, *[1] * (input.ndim - 2)]
        exact = input if input.dtype == torch.float64 else input.float()
        mean = mean_of_all(exact.mean(dims))
        centred = exact - mean.view(shape)
        variance = mean_of_all(centred.square().mean(dims))
        self._follow(mean, variance, count=input.numel() // self.num_features * dist.get_world_size())
        result = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            result = torch.addcmul(self.bias.view(shape), result, self.weight.view(shape))
        return result.to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, *, count: int) -> None:
        """Move the running statistics; the variance is the unbiased one of `count` numbers, as in BatchNorm."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        rate = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate)
        self.running_var.lerp_((variance * count / max(count - 1, 1)).to(self.running_var.dtype), rate)


def synchronise(*networks: nn.Module) -> None:
    """Replace every BatchNorm inside the networks by one over the images of all devices.

    Raises:
        ConfigError: there is none.
    """
    found = [
        (parent, name, child)
        for network in networks
        for parent in network.modules()
        for name, child in parent.named_children()
        if isinstance(child, _BatchNorm)
    ]
    if not found:
        raise ConfigError(
            "model.sync_batchnorm=true needs BatchNorm, and neither generator nor discriminator has one; leave it out."
        )
    for parent, name, norm in found:
        setattr(parent, name, SynchronisedNorm(norm))
