"""Several devices without a DDP wrapper: one flat all-reduce per player's step.

Lightning's wrapper expects every backward to reach every parameter, which no GAN step does, and under manual
optimization it never averages BatchNorm's buffers. Reducing the stepping player's own gradients is exact for every
penalty and sends |D| or |G| numbers instead of |D| + |G|.
"""

from collections.abc import Iterable
from typing import Any, cast

import lightning.pytorch as L
import torch
import torch.distributed as dist
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors
from torch.autograd.function import once_differentiable
from torch.distributed.tensor import DTensor

from sparring.core.errors import ConfigError


class PlayerStrategy(DDPStrategy):
    """DDPStrategy that broadcasts parameters and buffers at the start and leaves the module unwrapped."""

    def configure_ddp(self) -> None:
        check_world_size(asked=self.num_processes * self.num_nodes)
        assert self.model is not None
        for tensor in (*self.model.parameters(), *self.model.buffers()):
            dist.broadcast(tensor.detach(), src=0)


def check_world_size(*, asked: int) -> None:
    """Refuse to train on fewer processes than `asked` for, as happens under sbatch without srun.

    Raises:
        ConfigError: another number of processes started.
    """
    started = dist.get_world_size() if dist.is_initialized() else 1
    if started != asked:
        raise ConfigError(
            f"{asked} processes were asked for (trainer.devices x trainer.num_nodes) but {started} started; "
            "under SLURM start one task per device (srun, --ntasks-per-node=<devices>)."
        )


def active() -> bool:
    """Whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace the gradients by their mean over all processes: one all-reduce of one flat vector.

    Those of parameters that are divided over the processes are means already (core/sharding.py).
    """
    if not active():
        return
    gradients = [each.grad for each in parameters if each.grad is not None and not isinstance(each, DTensor)]
    if not gradients:
        return
    flat = _flatten_dense_tensors(gradients)
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    torch._foreach_copy_(gradients, _unflatten_dense_tensors(flat, gradients))


def average_buffers(module: nn.Module) -> None:
    """Replace floating-point buffers (BatchNorm's statistics) by their mean, before evaluating or saving."""
    if not active():
        return
    for buffer in module.buffers():
        if buffer.is_floating_point():
            dist.all_reduce(buffer)
            buffer /= dist.get_world_size()


def mean_over_ranks(values: Tensor) -> Tensor:
    """Mean of a small CPU vector over all processes."""
    if not active():
        return values
    shared = values.to(communication_device())
    dist.all_reduce(shared)
    return (shared / dist.get_world_size()).cpu()


def any_rank(flag: int) -> int:
    """The largest `flag` of all processes, so that every process takes the same decision."""
    if not active():
        return flag
    shared = torch.tensor(flag, device=communication_device())
    dist.all_reduce(shared, op=dist.ReduceOp.MAX)
    return int(shared.item())


def communication_device() -> torch.device:
    """Where tensors must be for the collectives of the running process group: the GPU for NCCL, else the CPU."""
    if dist.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def rank_and_world(module: L.LightningModule) -> tuple[int, int]:
    """(rank, number of processes) of the trainer that runs `module`; (0, 1) without one."""
    trainer = module._trainer  # the public property raises when there is none
    return (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)


TRAINING_DRAWS = 2**40  # numbers of images in training begin here, those of a split at 0


def drawn_in_training(module: L.LightningModule, count: int, iteration: int) -> Tensor:
    """(count,) int64: numbers of this process's images in an iteration, by which something is drawn for each of them."""
    rank, world = rank_and_world(module)
    return torch.arange(count) + count * (rank + iteration * world) + TRAINING_DRAWS


def places_in_split(module: L.LightningModule, batch: int, count: int, *, batch_size: int) -> Tensor:
    """(count,) int64: where the images of this process lie in a split that `EvalLoader` goes through.

    In the last, shorter batch of several processes they are other numbers, which no other image has.
    """
    rank, world = rank_and_world(module)
    return torch.arange(batch_size).tensor_split(world)[rank][:count] + batch * batch_size


class _Gather(torch.autograd.Function):
    """Rows of all processes; the gradient of a row is summed over the processes that used it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient[dist.get_rank() * ctx.count :][: ctx.count]


def gather(rows: Tensor) -> Tensor:
    """(N, ...) of every process as (world * N, ...), in the order of the ranks; differentiable once.

    With losses that are averaged over the processes' rows and gradients that are averaged by `average_gradients`, the
    result is the gradient that one process would compute from all rows.
    """
    return cast(Tensor, _Gather.apply(rows)) if active() else rows


def average(value: Tensor) -> Tensor:
    """Mean of a tensor over all processes, on its device, without a gradient."""
    if not active():
        return value.detach()
    shared = value.detach().clone()
    dist.all_reduce(shared)
    return shared / dist.get_world_size()


class _Sum(torch.autograd.Function):
    """Sum over all processes; the gradient is the sum of theirs, and can be differentiated again."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return cast(Tensor, _Sum.apply(gradient))


def mean_of_all(value: Tensor) -> Tensor:
    """Mean of a tensor over all processes, on its device; differentiable any number of times, in the sense of `gather`."""
    return cast(Tensor, _Sum.apply(value)) / dist.get_world_size() if active() else value


def own_rows(gathered: Tensor) -> Tensor:
    """This process's rows of what `gather` returned."""
    if not active():
        return gathered
    count = len(gathered) // dist.get_world_size()
    return gathered[dist.get_rank() * count :][:count]


def mean_over_images(total: Tensor, count: int) -> Tensor:
    """Mean over the images of all devices from this device's sums (K,) over `count` images; float64 on the CPU.

    The sums are moved first and widened then: Apple's GPUs have no float64.
    """
    with_count = torch.cat([total.cpu().double(), torch.tensor([float(count)], dtype=torch.float64)])
    summed = mean_over_ranks(with_count)
    return summed[:-1] / summed[-1]
