"""Weights divided over two processes (FSDP2): the same numbers, the same files, and what cannot be divided is refused."""

import copy
import functools
import importlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.config.check import check, check_sharing
from sparring.core.errors import ConfigError
from sparring.core.sharding import lay_out
from sparring.run.checkpoint import VerifiedCheckpointIO
from tests.conftest import CONF, TINY, command, compose, read_run

# Float64, so that a difference is an error and not rounding.
SETTINGS = [
    "data.image_size=8", "data.batch_size=16", "trainer.precision=64-true", "trainer.val_check_interval=2", "report=false",
    "trainer.log_every_n_steps=2", "trainer.accelerator=cpu", "callback.checkpoint.every=2",
]  # fmt: skip
SHARDED = ["trainer=fsdp", "trainer.accelerator=cpu", "trainer.devices=2"]
ROLLBACK = [  # by the guard, to which any growth of a first layer is trouble
    "callback=[default,guard]", "callback.guard.on_trouble=rollback", "callback.guard.every=1",
    "callback.guard.max_growth=1.00000001", "callback.guard.look_every=null",
]  # fmt: skip
HALVED = {"r3gan": ["trainer=cpu", "trainer.devices=1"], "biggan": []}  # stopped half-way -> how they go on
CHOICES = {
    "biggan": [*TINY, "model.generator.width=8", "model.sync_batchnorm=true", "model.d_steps=2", "model.accumulate=2"],
    "stylegan2": [*TINY, *ROLLBACK, "model.discriminator.group=1"],  # the minibatch stddev's groups are a device's own
    "r3gan": TINY,
    "classifier": [
        "model/backbone=mlp",
        "model.backbone.widths=[16]",
        "model/robust=trades",
        "model.robust.val_images=31",
    ],
}


def trained(folder: Path, cache_dir: Path, *overrides: str) -> Path:
    """A run of train.py in `folder`."""
    command(*SETTINGS, *overrides, f"hydra.run.dir={folder}", f"paths.cache_dir={cache_dir}")
    return folder


def state_of(run: Path) -> dict[str, Any]:
    return VerifiedCheckpointIO().load_checkpoint(run / "checkpoints" / "last.ckpt")


@pytest.mark.slow
@pytest.mark.parametrize("preset", CHOICES)
def test_two_processes_with_halves_of_the_weights_equal_one(preset: str, tmp_path: Path, cache_dir: Path) -> None:
    """And one device, or two, go on from what two have saved, and two roll back as one does."""
    given, steps = [f"model={preset}", *CHOICES[preset]], 4
    one = trained(tmp_path / "one", cache_dir, *given, f"trainer.max_steps={steps}")
    half = steps // 2 if preset in HALVED else steps
    two = trained(tmp_path / "two", cache_dir, *given, *SHARDED, f"trainer.max_steps={half}")
    # Every parameter of every player had a gradient, but D's bias where the loss only compares its logits.
    missing = _without_gradient(state_of(two))
    assert [player for player, _ in missing] in ([], [1])
    if half < steps:
        command(f"resume={two}", *HALVED[preset], f"trainer.max_steps={steps}")
    first, second = read_run(one), read_run(two)
    decided = [[{**each, "why": ""} for each in run.result["decisions"]] for run in (first, second)]
    assert decided[0] == decided[1]
    assert {each["action"] for each in decided[1]} == ({"rollback"} if ROLLBACK[0] in given else set())
    assert first.weights.keys() == second.weights.keys()
    for name, tensor in first.weights.items():
        says = functools.partial("{}: {}".format, name)
        torch.testing.assert_close(second.weights[name], tensor, rtol=1e-5, atol=1e-7, msg=says)
    before, after = state_of(one), state_of(two)
    assert _shapes(before["state_dict"]) == _shapes(after["state_dict"])
    assert _shapes(before["optimizer_states"]) == _shapes(after["optimizer_states"])


def _without_gradient(state: dict[str, Any]) -> list[tuple[int, int]]:
    """(player, parameter) of those whose optimizer has seen no gradient but zero."""
    found = []
    for player, optimizer in enumerate(state["optimizer_states"]):
        for parameter in range(sum(len(group["params"]) for group in optimizer["param_groups"])):
            if not optimizer["state"][parameter]["exp_avg_sq"].any():
                found.append((player, parameter))
    return found


def _shapes(value: Any) -> Any:
    """The structure of a state with the shape and type of each tensor."""
    if isinstance(value, dict):
        return {key: _shapes(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shapes(each) for each in value]
    return (type(value), value.dtype, tuple(value.shape)) if isinstance(value, torch.Tensor) else type(value)


def test_a_restored_state_has_the_order_of_its_parameters_in_memory() -> None:
    """A fused optimizer pairs numbers by their place in memory, and the state may come from another memory format."""
    draws = torch.Generator().manual_seed(0)
    start, gradients = torch.randn(2, 3, 4, 4, generator=draws), torch.randn(2, 2, 3, 4, 4, generator=draws)
    weight = torch.nn.Parameter(start.to(memory_format=torch.channels_last))
    whole = torch.nn.Parameter(start.clone())
    optimizers = [torch.optim.Adam([each], lr=0.1, fused=True) for each in (weight, whole)]
    for gradient in gradients:
        for each, optimizer in zip((weight, whole), optimizers, strict=True):
            each.grad = gradient.clone(memory_format=torch.preserve_format).to(memory_format=_format(each))
            optimizer.step()
        optimizers[0].load_state_dict(copy.deepcopy(optimizers[1].state_dict()))
        lay_out(optimizers[0])
    torch.testing.assert_close(weight, whole)


def _format(tensor: torch.Tensor) -> torch.memory_format:
    return torch.contiguous_format if tensor.is_contiguous() else torch.channels_last


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["model=flow"], "model=Flow is no plain GAN or classifier; use trainer=ddp"),
        (["model=gan_classifier"], "model=GANClassifier"),
        (["model=stylegan2", "model/regularizer=[r1,path_length]"], "model/regularizer=path_length"),
        (["model=dcgan", "model.reuse_fakes=true"], "model.reuse_fakes=true"),
        (["speed.compile=true"], "speed.compile=true"),
        (
            ["logger=wandb", "logger.wandb.watch=all"],
            "logger.wandb.watch=all",
        ),  # it would show weights before they are divided
        (["trainer.strategy=deepspeed"], "trainer.strategy=deepspeed must be ddp or fsdp"),
    ],
)
def test_what_cannot_be_divided_is_refused_before_torch_is_needed(settings: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check("train", ["trainer=fsdp", *settings], config_dir=CONF)
    assert says in str(caught.value)


@pytest.mark.slow
def test_every_preset_is_divided_or_refused() -> None:
    for file in sorted((CONF / "model").glob("[a-z]*.yaml")):
        composed = compose(f"model={file.stem}", "trainer=fsdp")
        target = composed.model._target_
        says = f"model={target.rpartition('.')[2]} is no plain GAN or classifier"
        divided = bool(_class_of(target).sharded)
        with nullcontext() if divided else pytest.raises(ConfigError, match=says):
            check_sharing(composed)


def _class_of(target: str) -> Any:
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)
