"""Networks whose weights, gradients, optimizer state and average are divided over the devices: FSDP2, `fully_shard`.

A network is one unit: its weights are gathered for a pass and dropped after the backward pass, which leaves each device its share
of the mean gradient. (A unit per block would not do: weights under spectral normalisation are computed before the pass, so a
block's gradient would come after FSDP has sent it.) A network's average makes no backward pass; it is stored in the same shares
and put together where somebody looks at it. Numbers without a dimension stay whole on every device.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

from sparring.core.distributed import PlayerStrategy, average_buffers
from sparring.core.errors import ConfigError

HALVES = ("style", "synthesis")  # of a generator, called from outside


class ShardedStrategy(PlayerStrategy):
    """PlayerStrategy that divides what the game names in `sharded`, a mapping of players to their averages.

    Checkpoints hold whole tensors under the names that they have on one device.
    """

    def configure_ddp(self) -> None:
        super().configure_ddp()
        game: Any = self.lightning_module
        if not game.sharded:
            raise ConfigError(
                f"trainer=fsdp divides generators and classifiers, and {type(game).__name__} is neither; use trainer=ddp."
            )
        mesh = init_device_mesh(self.root_device.type, (dist.get_world_size(),))
        self._without_weights = {player: _without_weights(getattr(game, player)) for player in game.sharded}
        for player, average in game.sharded.items():
            shard(getattr(game, player), mesh)
            divide_like(getattr(game, average), getattr(game, player))

    def lightning_module_state_dict(self) -> dict[str, Any]:
        return {name: whole(value) for name, value in super().lightning_module_state_dict().items()}

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        return cast(dict[str, Any], _mapped(super().optimizer_state(optimizer)))

    def on_train_end(self) -> None:
        """Give the game networks of whole tensors: what follows runs in the first process alone."""
        super().on_train_end()
        game: Any = self.lightning_module
        for player, average in game.sharded.items():
            network = self._without_weights[player]
            network.load_state_dict(whole_state(getattr(game, player)), assign=True)
            setattr(game, player, network.train(getattr(game, player).training))
            put_together(getattr(game, average))


def shard(network: nn.Module, mesh: DeviceMesh) -> None:
    """Divide a network in place; its parameters are DTensors outside of `gathered` and of its passes."""
    numbers = {parameter for parameter in network.parameters() if parameter.ndim == 0}
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()  # FSDP takes no other memory format
    fully_shard(network, mesh=mesh, reshard_after_forward=False, ignored_params=numbers)
    for name in HALVES:
        if hasattr(network, name):
            register_fsdp_forward_method(network, name)
    with gathered(network):
        pass  # FSDP notes at the first use which parameters learn; a pass of a frozen network must not be it


@contextmanager
def gathered(*networks: nn.Module) -> Iterator[None]:
    """The networks' parameters are plain whole tensors inside, to which gradients flow; every device must enter."""
    sharded = [network for network in networks if isinstance(network, FSDPModule)]
    for network in sharded:
        network.unshard()
    try:
        yield
    finally:
        for network in sharded:
            network.reshard()


def stored(network: nn.Module) -> list[Tensor]:
    """What this device stores of each parameter, to change in place."""
    return [local(parameter) for parameter in network.parameters()]


def local(tensor: Tensor) -> Tensor:
    """This device's share of a tensor; the tensor itself where it is not divided."""
    return cast(Any, tensor.detach()).to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Any) -> Any:
    """A tensor put together from all devices, each of which must call this; anything else as it is."""
    return cast(Any, tensor.detach()).full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_state(network: nn.Module) -> dict[str, Tensor]:
    """`network.state_dict()` with whole tensors; every device must call it."""
    return {name: whole(tensor) for name, tensor in network.state_dict().items()}


def divided(state: Mapping[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """Whole tensors by name, those divided that are so in `module`."""
    own = module.state_dict()
    return {name: _like(value, own.get(name)) for name, value in state.items()}


def divide_like(average: nn.Module, network: nn.Module) -> None:
    """Store a network's average in the shares in which the network is stored; nothing happens where it is so already."""
    pairs = zip(average.named_parameters(), network.parameters(), strict=True)
    _replace(average, [(name, _like(own.detach(), other)) for (name, own), other in pairs if _differ(own, other)])


def put_together(module: nn.Module) -> None:
    """Whole parameters in place of divided ones in all that no pass of FSDP is made of; every device must call it."""
    for child in module.children():
        if not isinstance(child, FSDPModule):
            put_together(child)
    own = [(name, each) for name, each in module.named_parameters(recurse=False) if isinstance(each, DTensor)]
    _replace(module, [(name, whole(each)) for name, each in own])


def settle(module: nn.Module) -> None:
    """Before evaluating or saving: the same floating-point buffers on all devices, and whole averages."""
    average_buffers(module)
    put_together(module)


def lay_out(optimizer: Optimizer) -> None:
    """Bring a restored state into the layout of the parameters: divided as they are, and in their order in memory.

    A state from another number of devices may have another order (`speed.channels_last=auto`), and a fused optimizer pairs
    numbers by their place in memory.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                value = _like(value, parameter)
                same = isinstance(value, DTensor) or value.stride() == parameter.stride()
                state[name] = value if same else torch.empty_like(parameter, dtype=value.dtype).copy_(value).detach()


def check_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Raise RuntimeError where divided parameters have no gradient, as after a pass that FSDP does not know of."""
    shares = [parameter for parameter in parameters if isinstance(parameter, DTensor)]
    if shares and all(parameter.grad is None for parameter in shares):
        raise RuntimeError("No divided parameter got a gradient: the pass did not go through the network's forward.")


def _differ(own: Tensor, other: Tensor) -> bool:
    return isinstance(other, DTensor) and not isinstance(own, DTensor)


def _like(value: Tensor, other: Tensor | None) -> Tensor:
    if other is None or not _differ(value, other):
        return value
    assert isinstance(other, DTensor)
    on_device = value.to(other.device)
    return distribute_tensor(on_device, other.device_mesh, other.placements, src_data_rank=None)


def _replace(module: nn.Module, parameters: Iterable[tuple[str, Tensor]]) -> None:
    for name, value in parameters:
        owner, _, last = name.rpartition(".")
        setattr(module.get_submodule(owner), last, nn.Parameter(value, requires_grad=False))


def _mapped(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _mapped(value) for key, value in state.items()}
    return whole(state)


def _without_weights(network: nn.Module) -> nn.Module:
    """A copy that holds everything but the values of the parameters."""
    empty = {
        id(each): nn.Parameter(torch.empty_like(each, device="meta"), each.requires_grad)
        for each in network.parameters()
    }
    return copy.deepcopy(network, empty)
