"""A pretended accelerator: tensors "on" it wrap CPU tensors, so that values are real and what a GPU refuses is seen.

torch's free backend slot (PrivateUse1) becomes the device `pretend`. Each operator on its tensors is judged before it is done:

- `Mixed` is raised where tensors or random generators of the CPU and of the device meet in one operator. CPU tensors without
  dimensions in pointwise operators and CPU positions in an index are let through, as CUDA lets them.
- `Mixed` is raised where float64 would come to be on the device: Apple's GPUs have none.
- a wait is counted where the CPU would have to wait for the device: its values are read or copied to the CPU, something is
  copied to it without `non_blocking`, or a result's size depends on its values.

A process can have one such backend; the slot's interface is torch's own business and may change.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

from tests.accelerator.waits import place, wait

NAME = "pretend"
aten = torch.ops.aten

READS = {aten._local_scalar_dense.default, aten.equal.default, aten.is_nonzero.default}
SIZED_BY_VALUES = {
    aten.nonzero.default, aten.masked_select.default, aten._unique2.default, aten.unique_dim.default, aten.bincount.default,
    aten.unique_consecutive.default, aten.repeat_interleave.Tensor,
}  # fmt: skip
INDEXED = {aten.index.Tensor, aten._unsafe_index.Tensor, aten.index_put.default, aten.index_put_.default}
COPIES = {aten._to_copy.default, aten.copy_.default}
# Pointwise operators that are not tagged so.
POINTWISE = {"where", "lerp", "lerp_", "fill_", "clamp", "pow", "masked_fill", "masked_fill_", "addcmul_", "addcdiv_"}

_made_for: dict[int, str] = {}  # device type of the generators that were not made for the CPU
_CPUGenerator = torch.Generator


class Mixed(RuntimeError):
    """What an accelerator refuses."""


class _Backend(backend_registration._DummyBackendModule):
    def device_count(self) -> int:
        return 1

    def synchronize(self, device: object = None) -> None:
        """Nothing is ever queued."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float32]


class Generator(torch.Generator):
    """A generator of the CPU that knows which device it was asked for."""

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made = super().__new__(cls, "cpu")
        _made_for[made._cdata] = torch.device(
            device
        ).type  # the dispatcher hands on another object of the same generator
        return made

    def __init__(self, device: Any = "cpu") -> None:
        """The device went into `__new__`."""


class Elsewhere(Tensor):
    """A tensor on the device; `held` has its values."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Elsewhere":
        made = Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=torch.device(NAME, 0),
        )  # type: ignore[attr-defined]  # fmt: skip
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})

    def tolist(self) -> Any:
        wait("tolist")
        return self.held.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        raise Mixed("numpy() of a tensor on a device; move it to the CPU first")

    def __repr__(self) -> str:
        return f"Elsewhere({self.held!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            copied: Tensor = Elsewhere(self.held.detach().clone())
            made = torch.nn.Parameter(copied, self.requires_grad) if isinstance(self, torch.nn.Parameter) else copied
            memo[id(self)] = made.requires_grad_(self.requires_grad)
        return memo[id(self)]


class Pretending(TorchDispatchMode):
    """Inside, tensors can be made on the device too."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        concerned = any(isinstance(leaf, Elsewhere | _CPUGenerator) for leaf in tree_leaves((args, given)))
        return _done(func, args, given) if concerned or _asked(given) == NAME else func(*args, **given)


@contextlib.contextmanager
def pretending() -> Iterator[torch.device]:
    """The device. It stays registered afterwards, without a way to make tensors on it."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())
    swaps = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)  # a wrapper cannot take another one's memory
    makers = torch.tensor, torch.as_tensor
    torch.tensor, torch.as_tensor = _through_cpu(torch.tensor), _through_cpu(torch.as_tensor)
    torch.Generator = Generator  # type: ignore[misc]
    try:
        with Pretending():
            yield torch.device(NAME, 0)
    finally:
        torch.tensor, torch.as_tensor = makers
        torch.Generator = _CPUGenerator  # type: ignore[misc]
        torch.__future__.set_swap_module_params_on_conversion(swaps)


def _done(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The operator's result, after it was found to be one that a device would do."""
    leaves = tree_leaves((args, kwargs))
    own = [leaf for leaf in leaves if isinstance(leaf, Elsewhere)]
    others = [leaf for leaf in leaves if isinstance(leaf, Tensor) and not isinstance(leaf, Elsewhere)]
    to_device = _goes_to_device(func, args, kwargs, own)
    _check_generators(func, leaves, to_device=to_device)
    if own and others and func not in COPIES:
        _check_together(func, args, others)
    _count_waits(func, args, kwargs, own)
    result = func(*tree_map(on_cpu, args), **tree_map(on_cpu, kwargs))
    if to_device:
        if any(isinstance(each, Tensor) and each.dtype is torch.float64 for each in tree_leaves(result)):
            raise Mixed(f"{func}: float64 on the device at {place()}")
        result = tree_map(_wrapped, result)
        if own:
            return return_and_correct_aliasing(func, args, kwargs, result)
    written = func._schema.is_mutable and args and isinstance(args[0], Tensor) and _name(func).endswith("_")
    return args[0] if written else result


def _goes_to_device(func: Any, args: Any, kwargs: dict[str, Any], own: list[Elsewhere]) -> bool:
    if func is aten.copy_.default:
        return isinstance(args[0], Elsewhere)
    asked = _asked(kwargs)
    return asked == NAME or (bool(own) and asked is None)


def _check_generators(func: Any, leaves: list[Any], *, to_device: bool) -> None:
    for each in leaves:
        if isinstance(each, _CPUGenerator):
            made_for = _made_for.get(each._cdata, "cpu")
            if (made_for == NAME) != to_device:
                raise Mixed(f"{func}: a generator of {made_for} draws on {NAME if to_device else 'cpu'} at {place()}")


def _check_together(func: Any, args: Any, others: list[Tensor]) -> None:
    """CPU tensors in an operator on the device's."""
    if func in INDEXED and isinstance(args[0], Elsewhere):
        if any(each.ndim for each in others):
            wait("positions on the CPU")
        return
    pointwise = torch.Tag.pointwise in func.tags or _name(func) in POINTWISE or _name(func).startswith("_foreach")
    if not (pointwise and all(each.ndim == 0 for each in others)):
        shapes = ", ".join(str(tuple(each.shape)) for each in others)
        raise Mixed(f"{func}: tensors of the CPU, {shapes}, beside the device's at {place()}")


def _count_waits(func: Any, args: Any, kwargs: dict[str, Any], own: list[Elsewhere]) -> None:
    queued = kwargs.get("non_blocking") or (func is aten.copy_.default and len(args) > 2 and args[2])
    if func is aten._to_copy.default:
        asked = _asked(kwargs)
        if own and asked not in (None, NAME):
            wait("to the CPU")
        elif not own and asked == NAME and not queued:
            wait("to the device")
    elif func is aten.copy_.default and isinstance(args[0], Elsewhere) != isinstance(args[1], Elsewhere):
        if not isinstance(args[0], Elsewhere):
            wait("to the CPU")
        elif not queued:
            wait("to the device")
    elif own and (func in READS or func in SIZED_BY_VALUES):
        wait(_name(func))
    elif func in INDEXED and any(isinstance(each, Elsewhere) and each.dtype is torch.bool for each in args[1]):
        wait("boolean index")


def _asked(kwargs: dict[str, Any]) -> str | None:
    """Type of the device that an operator was asked for."""
    return torch.device(kwargs["device"]).type if kwargs.get("device") is not None else None


def on_cpu(leaf: Any) -> Any:
    """A tensor's or device's counterpart on the CPU; anything else as it is."""
    if isinstance(leaf, torch.device):
        return torch.device("cpu")
    return leaf.held if isinstance(leaf, Elsewhere) else leaf


def _wrapped(leaf: Any) -> Any:
    return Elsewhere(leaf) if isinstance(leaf, Tensor) and not isinstance(leaf, Elsewhere) else leaf


def _name(func: Any) -> str:
    return str(func.__name__).split(".")[0]


def _through_cpu(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`torch.tensor` on the device: it copies below the dispatcher, so made on the CPU and sent."""

    def made(data: Any, *args: Any, device: Any = None, **kwargs: Any) -> Tensor:
        if isinstance(data, Elsewhere):
            return data
        if device is None or torch.device(device).type != NAME:
            return make(data, *args, device=device, **kwargs)
        return make(data, *args, **kwargs).to(device)

    return made
