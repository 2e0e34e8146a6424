"""A game that steps without Lightning's Trainer, and what its steps cost."""

from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sparring.core.types import Batch
from sparring.model.game import Game
from sparring.trained.runs import build_model
from tests.conftest import compose


def alone(*overrides: str, batch: int = 8, dtype: torch.dtype = torch.float32) -> tuple[Game, "Batches"]:
    """The model of a configuration, whose `training_step` takes the batches; the same weights and batches at every call."""
    torch.manual_seed(0)
    config = compose(*overrides)
    model = build_model(config).to(dtype)
    assert isinstance(model, Game)
    optimizers = dict(zip(model.factories, model.configure_optimizers(), strict=True))
    object.__setattr__(model, "manual_backward", lambda loss: loss.backward())
    object.__setattr__(model, "players", lambda: optimizers)
    model.budget = 1000
    model.train()
    return model, Batches(model, (batch, config.data.channels, config.data.image_size), config.data.num_classes)


class Batches:
    """Training batches of random images, by their number."""

    def __init__(self, model: Game, shape: tuple[int, int, int], num_classes: int) -> None:
        self.streams, self.shape, self.num_classes = model.streams, shape, num_classes

    def __getitem__(self, number: int) -> dict[str, list[Batch]]:
        draws = torch.Generator().manual_seed(number)
        return {name: [self._chunk(draws) for _ in range(count)] for name, count in self.streams.items()}

    def _chunk(self, draws: torch.Generator) -> Batch:
        count, channels, size = self.shape
        image = torch.rand(count, channels, size, size, generator=draws) * 2 - 1
        return Batch(image, torch.randint(self.num_classes, (count,), generator=draws))


class Counted(TorchDispatchMode):
    """Operators by name, views and those of the backward pass included; not the marks that optimizers set for profilers.

    flops: floating-point operations of matrix products and convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operators: Counter[str] = Counter()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given, name = kwargs or {}, str(func.__name__).partition(".")[0]
        if not name.startswith("_record_function"):
            self.operators[name] += 1
        result = func(*args, **given)
        if (count := flop_registry.get(func.overloadpacket)) is not None:
            self.flops += count(*args, **given, out_val=result)
        return result


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
