"""The part `speed` of `gpu.py`: milliseconds of a step by network, batch and setting."""

import statistics
import time

import torch
from gpu_check import NARROW, Check

from sparring.core.types import Batch
from sparring.trained.runs import build_model
from sparring.training.speed import SpeedSettings

WAYS: dict[str, list[str]] = {
    "eager": ["speed.channels_last=false"], "channels_last": ["speed.channels_last=true"],
    "+ tf32": ["speed.channels_last=true", "speed.tf32=true"],
    "+ tf32 + benchmark": ["speed.channels_last=true", "speed.tf32=true", "speed.benchmark=true"],
    "+ bf16": ["speed.channels_last=true", "speed.tf32=true", "speed.benchmark=true", "speed.bf16=true"],
    "compile": ["speed.channels_last=false", "speed.compile=true"],
    "speed=fast": ["speed=fast"], "speed=fast + cuda_graphs": ["speed=fast", "speed.cuda_graphs=true"],
}  # fmt: skip
NETWORKS = {
    "dcgan, 64 px, width 64": ["model=dcgan", "data.image_size=64", "model.generator.width=64", "model.discriminator.width=64"],
    "sngan, 32 px, as published": ["experiment=cifar10_sngan", "model.d_steps=1"],
    "stylegan2, 32 px, width 64": ["model=stylegan2", "model.generator.width=64", "model.discriminator.width=64"],
    "r3gan, 32 px": ["model=r3gan"], "rpgan, 32 px": ["model=rpgan"],
}  # fmt: skip


def speed(check: Check) -> None:
    """Milliseconds of a step, queued as in training, by network, batch and setting."""
    networks = {"dcgan, 16 px": ["model=dcgan", "data.image_size=16", *NARROW]} if check.cpu else NETWORKS
    for name, overrides in networks.items():
        for batch in (8,) if check.cpu else (64, 256):
            for way, settings in WAYS.items():
                if (check.cpu and ("bf16" in way or "cuda" in way)) or (
                    way.startswith(("compile", "speed=fast")) and (batch == 256 or check.left() < 60)
                ):
                    continue
                keys = ["data=cifar10", *overrides, f"data.batch_size={batch}", *settings]
                check.tried(
                    "speed",
                    f"{name}, {batch}, {way}",
                    lambda n=f"{name}, {batch}", w=way, k=keys: _timed(check, n, w, k),
                )


def _timed(check: Check, name: str, way: str, overrides: list[str]) -> str:
    config = check.compose("train", check.runs / "unused", *overrides)
    shape = (config.data.channels, config.data.image_size, config.data.image_size)
    model, batch = build_model(config).to(check.device), config.data.batch_size
    settings = SpeedSettings.of(config.speed)
    settings.apply(model, check.device, image=shape, rows=batch)
    optimizers = dict(zip(model.factories, model.configure_optimizers(), strict=True))
    object.__setattr__(model, "manual_backward", lambda loss: loss.backward())
    object.__setattr__(model, "players", lambda: optimizers)
    model.budget = 10**6
    model.train()
    image = torch.rand(batch, *shape, device=check.device) * 2 - 1
    chunk = Batch(image, torch.randint(config.data.num_classes, (batch,), device=check.device))
    chunks = {stream: [chunk] * count for stream, count in model.streams.items()}
    bf16 = settings.precision("32-true") != "32-true"

    def seconds(count: int) -> float:
        _finish(check)
        began = time.perf_counter()
        with torch.autocast(check.device.type, torch.bfloat16, enabled=bf16):
            for number in range(count):
                model.training_step(chunks, number)
        _finish(check)
        return (time.perf_counter() - began) / count

    warm = seconds(3 if check.cpu else 20)
    times = [1000 * seconds(3 if check.cpu else 20) for _ in range(3)]
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("highest")
    self_time = check.laps.setdefault(name, {})[way] = statistics.median(times)
    return f"{self_time:.2f} ms [{min(times):.2f} .. {max(times):.2f}]; {1000 * warm:.0f} while it warmed up"


def _finish(check: Check) -> None:
    if not check.cpu:
        torch.cuda.synchronize()
