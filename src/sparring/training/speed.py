"""How a training uses its hardware: memory format, compiled networks, TF32, bf16 and the choice of algorithms."""

import copy
import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.game import Game
from sparring.model.gan import GAN


@dataclass(frozen=True)
class SpeedSettings:
    """The section `speed`; conf/speed/reproducible.yaml says what each key means."""

    channels_last: bool | str
    compile: bool | str
    cuda_graphs: bool
    tf32: bool
    benchmark: bool
    bf16: bool

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> "SpeedSettings":
        """Raises ConfigError for a choice that is none. A run from before a key existed was made without it."""
        settings = cls(
            compile=section.get("compile", False),
            cuda_graphs=section.get("cuda_graphs", False),
            **{key: section[key] for key in ("channels_last", "tf32", "benchmark", "bf16")},
        )
        for key in ("channels_last", "compile"):
            if getattr(settings, key) not in (True, False, "auto"):
                raise ConfigError(f"speed.{key}={getattr(settings, key)} must be auto, true or false.")
        if settings.cuda_graphs and not settings.compile:
            raise ConfigError(
                "speed.cuda_graphs=true replays compiled networks, so add speed.compile=true, or take speed=fast."
            )
        return settings

    def precision(self, given: str) -> str:
        """Of Lightning's Trainer, where the settings ask for `given`."""
        capable = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return "bf16-mixed" if self.bf16 and given == "32-true" and capable else given

    def apply(
        self, model: Game, device: torch.device, *, image: tuple[int, int, int], rows: int, sharded: bool = False
    ) -> None:
        """Set the process up, bring the model's networks into their memory format, and compile them.

        Args:
            device: that trains. image: (C, H, W). rows: images of a chunk on one device, in one part.
            sharded: whether weights are divided over the devices, which neither layout nor compiler works with.

        Raises:
            ConfigError: networks are to be compiled, and there is no compiler; graphs are to be replayed elsewhere than on an
                NVIDIA GPU.
        """
        if self.cuda_graphs and device.type != "cuda":
            raise ConfigError(f"speed.cuda_graphs=true needs an NVIDIA GPU, and this is {device.type}; leave it out.")
        if device.type == "cuda":
            torch.set_float32_matmul_precision("high" if self.tf32 else "highest")
            torch.backends.cudnn.allow_tf32 = self.tf32
            torch.backends.cudnn.benchmark = self.benchmark
        if sharded:
            return
        if isinstance(model, GAN) and self._channels_last(model, device, image, rows):
            for network in (model.generator, model.ema, model.discriminator):
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        compiles = self._compiles(device)
        if self.cuda_graphs and not compiles:
            raise ConfigError(
                "speed.cuda_graphs=true needs Triton, which torch's CUDA build brings, and there is none; leave it out."
            )
        if compiles:
            recorded = {"mode": "reduce-overhead"} if self.cuda_graphs else {}
            # Chunks have one size, and graphs of one size are faster.
            model.compile_networks(replayed=self.cuda_graphs, dynamic=False, **recorded)

    def _compiles(self, device: torch.device) -> bool:
        if self.compile == "auto":
            return device.type == "cuda" and has_compiler(device)
        if self.compile and not has_compiler(device):
            needed = (
                "Triton, which torch's CUDA build brings"
                if device.type == "cuda"
                else "a C++ compiler (g++ or clang++)"
            )
            raise ConfigError(f"speed.compile=true needs {needed}, and there is none; say speed.compile=false.")
        return bool(self.compile)

    def _channels_last(self, model: GAN, device: torch.device, image: tuple[int, int, int], rows: int) -> bool:
        if self.channels_last != "auto":
            return bool(self.channels_last)
        if device.type == "cuda":
            return self.tf32 or self.bf16  # tensor cores want it
        return device.type == "cpu" and maps_outweigh_weights(model, image, rows)


def has_compiler(device: torch.device) -> bool:
    """Whether torch.compile finds what it makes kernels with."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    names = [os.environ.get("CXX", ""), "g++", "clang++"]
    return any(name and shutil.which(name) is not None for name in names)


def maps_outweigh_weights(model: GAN, image: tuple[int, int, int], rows: int) -> bool:
    """Whether the convolutions of G and D write more numbers for a batch of `rows` images than they have weights.

    On a CPU each convolution brings its weights into another order at every use in `channels_last`, which saves the maps from it.
    """
    shape = (2, *image)
    latent, label = torch.empty(2, model.latent_dim, device="meta"), torch.zeros(2, dtype=torch.int64, device="meta")
    generated = _numbers(model.generator, lambda network: network(latent, label))
    judged = _numbers(model.discriminator, lambda network: network(torch.empty(shape, device="meta"), label))
    maps, weights = (sum(side) for side in zip(generated, judged, strict=True))
    return maps * rows > weights


def _numbers(network: nn.Module, call: Any) -> tuple[float, int]:
    """(numbers in the maps of one image, weights) of the convolutions of a network; a dry run on a copy."""
    dry, maps = copy.deepcopy(network).to("meta").eval(), [0]

    def count(module: nn.Module, inputs: Any, output: Tensor) -> None:
        maps[0] += output.numel() // len(output)

    convolutions = [each for each in dry.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]
    for each in convolutions:
        each.register_forward_hook(count)
    with torch.no_grad():
        call(dry)
    return maps[0], sum(each.weight.numel() for each in convolutions)
