"""Equalised learning rate (Karras et al. 2018, "Progressive growing of GANs", section 4.1) of a whole network."""

from torch import Tensor, nn
from torch.nn.utils import parametrize


class Scale(nn.Module):
    """weight -> factor * weight."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.factor


def equalise(network: nn.Module, *, learning_rate: float = 1.0) -> None:
    """Store N(0, 1) weights and use them divided by the root of their fan-in; biases become zero.

    Adam's step does not depend on a gradient's scale, so every layer then learns at the same relative speed. Embeddings
    count as linear layers of their width. Layers that are equalised already are not changed.

    Args:
        learning_rate: relative to the optimizer's; stored weights are divided by it and used weights multiplied.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding) and not parametrize.is_parametrized(module):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=1 / learning_rate)
            parametrize.register_parametrization(module, "weight", Scale(learning_rate * fan_in**-0.5))
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
                if learning_rate != 1:
                    parametrize.register_parametrization(module, "bias", Scale(learning_rate))
