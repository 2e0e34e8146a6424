"""Networks with weights that are not those of their initialisation."""

import torch
from torch import nn

from sparring.core.randomness import generator


def randomised(network: nn.Module) -> nn.Module:
    """Weights and statistics that keep the signal alive through all layers."""
    random = generator("test weights")
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=random) + 0.5)
        elif tensor.ndim > 1:
            tensor.copy_(torch.randn(tensor.shape, generator=random) * (2 / tensor[0].numel()) ** 0.5)
        elif tensor.is_floating_point():
            own = 1.0 if name.endswith(("bn.weight", "gamma", "norm.weight", "norm1.weight", "norm2.weight")) else 0.0
            tensor.copy_(torch.randn(tensor.shape, generator=random) * 0.1 + own)
    return network
