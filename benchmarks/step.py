"""What the framework costs: `train.py`'s iteration against bare loops.

    python benchmarks/step.py [overrides]      for example: model=dcgan data=cifar10 data.path=<folder>
    python benchmarks/step.py --all [overrides]                    every GAN preset, as rows of a table
    python benchmarks/step.py --plain dcgan64,sngan32,classifier --block 1 --blocks 7 data.batch_size=16   beside textbook loops

The bare loop (`bare.py`) works on copies of the framework's own networks with every trick that it knows; the textbook loops
(`plain.py`) are what published scripts do. All run in one process, in turns of one iteration, so that whatever else the machine
does meets all. One thread, CPU time. The framework's side is the real Trainer with its default callbacks and the CSV logger;
validation, checkpoints and sample grids are left out on all sides. The bare loop draws from the global generator and logs
nothing. Reported: the median over blocks of iterations of the ratio, and its range.
"""

import argparse
import copy
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import lightning.pytorch as L
import torch
from bare import Bare
from omegaconf import DictConfig
from plain import LOOPS, Iteration

from sparring.callback.finite import Finite
from sparring.callback.progress import ProgressDisplay
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
from sparring.config.build import build
from sparring.config.compose import compose
from sparring.logger.csv import CSVLogger
from sparring.model.gan import GAN
from sparring.trained.runs import build_model
from sparring.training.speed import SpeedSettings

ROOT = Path(__file__).resolve().parent.parent
WARM_UP, BLOCK = 5, 25  # iterations; a block has as many as lie between two log lines
FEWEST = 2  # iterations to warm up long ones
PRESETS = [
    "gan", "dcgan", "lsgan", "wgan", "wgan_gp", "dragan", "sngan", "projgan", "acgan", "sagan", "biggan", "contragan", "reacgan",
    "stylegan2", "stylegan2_ada", "r3gan", "rpgan",
]  # fmt: skip


class Turns(L.Callback):
    """After each of the framework's iterations one of every other loop; sums the CPU seconds of all by blocks."""

    def __init__(self, others: Mapping[str, Iteration], block: int) -> None:
        self.others, self.block = others, block
        self.warm_up = WARM_UP if block == BLOCK else FEWEST
        self.blocks: list[dict[str, float]] = []

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        self.mark = time.process_time()

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        seconds = {"framework": time.process_time() - self.mark}
        for name, iteration in self.others.items():
            start = time.process_time()
            iteration()
            seconds[name] = time.process_time() - start
        timed = trainer.global_step - self.warm_up  # batch_idx starts anew in each pass over the data
        if timed > 0:
            if (timed - 1) % self.block == 0:
                self.blocks.append(dict.fromkeys(seconds, 0.0))
            for name, value in seconds.items():
                self.blocks[-1][name] += value
        self.mark = time.process_time()


def measure(config: DictConfig, folder: Path, *, plain: str | None, block: int, blocks: int) -> list[dict[str, float]]:
    """CPU seconds of each block, by side: framework, bare (of a GAN) and plain (a key of LOOPS)."""
    model = build_model(config)
    data = build(config.data, section="data")
    data.streams, data.clock = model.streams, model.clock
    model.budget = (WARM_UP if block == BLOCK else FEWEST) + blocks * block
    data.setup("fit")
    others: dict[str, Iteration] = {}
    if type(model) is GAN and config.model.accumulate == 1 and not config.data.crop:
        images, labels = data.train_images(torch.arange(len(data.train_labels))), data.train_labels
        bare = Bare(copy.deepcopy(model), images, labels, batch_size=data.batch_size, flip=data.flip)
        others["bare"] = bare.iteration
    elif plain is None:
        raise SystemExit("The bare loop knows GANs of two players on whole batches of images that are not cropped.")
    if plain is not None:
        others["plain"] = LOOPS[plain].make(data.batch_size)
    turns = Turns(others, block)
    trainer = L.Trainer(
        max_steps=model.budget, max_epochs=-1, accelerator="cpu", logger=[CSVLogger(path=folder / "metrics.csv")],
        callbacks=[Finite(), Scalars(), Signals(), ProgressDisplay(seconds=1e9), turns],
        log_every_n_steps=config.trainer.log_every_n_steps, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, limit_val_batches=0, use_distributed_sampler=False, default_root_dir=str(folder),
    )  # fmt: skip
    shape = (config.data.channels, config.data.image_size, config.data.image_size)
    for each in (model, bare.model) if "bare" in others else (model,):
        SpeedSettings.of(config.speed).apply(each, torch.device("cpu"), image=shape, rows=data.batch_size)
    trainer.fit(model, datamodule=data)
    return turns.blocks


def noise(folder: Path) -> Path:
    """Random images in CIFAR-10's binary format, for what does not depend on the images."""
    draws = torch.Generator().manual_seed(0)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        pixels = torch.randint(256, (200, 3072), generator=draws, dtype=torch.uint8)
        labels = torch.arange(200, dtype=torch.uint8)[:, None] % 10
        (folder / f"{name}.bin").write_bytes(torch.cat([labels, pixels], dim=1).numpy().tobytes())
    return folder


def compare(overrides: list[str], *, plain: str | None, block: int, blocks: int) -> list[dict[str, float]]:
    """CPU seconds of each block, by side."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = ROOT / "logs" / "data" if plain is None else folder / "cache"
        chosen = [*(LOOPS[plain].overrides if plain else ()), f"paths.cache_dir={cache}", *overrides]
        if plain and "data=cifar10" in chosen:
            chosen.append(f"data.path={noise(folder)}")
        return measure(compose("train", chosen), folder, plain=plain, block=block, blocks=blocks)


def row(name: str, blocks: list[dict[str, float]], block: int) -> str:
    """Milliseconds of each side, and the framework's ratio to each other one."""
    sides = list(blocks[0])
    cells = [f"{side} {1000 / block * statistics.median(each[side] for each in blocks):.1f}" for side in sides]
    for side in sides[1:]:
        ratios = [each["framework"] / each[side] for each in blocks]
        cells.append(f"/ {side} {statistics.median(ratios):.3f} [{min(ratios):.3f} .. {max(ratios):.3f}]")
    return f"| {name} | {', '.join(cells[: len(sides)])} | {', '.join(cells[len(sides) :])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--all", action="store_true", help="every GAN preset instead of model=")
    parser.add_argument("--plain", help=f"beside textbook loops, with commas: {', '.join(LOOPS)}")
    parser.add_argument("--blocks", type=int, default=5, help="blocks of iterations (default: %(default)s)")
    parser.add_argument("--block", type=int, default=BLOCK, help="iterations of a block (default: %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    plain = given.plain.split(",") if given.plain else []
    if unknown := [name for name in plain if name not in LOOPS]:
        sys.exit(f"--plain knows no {', '.join(unknown)}; give some of {', '.join(LOOPS)}.")
    rows: list[tuple[str, list[str], str | None]] = [(name, [], name) for name in plain]
    rows += [(f"model={preset}", [f"model={preset}"], None) for preset in PRESETS if given.all and not plain]
    print("| settings | CPU milliseconds | framework, median ratio [range] |\n|---|---|---|", flush=True)
    for name, chosen, loop in rows or [(" ".join(given.overrides) or "defaults", [], None)]:
        blocks = compare([*chosen, *given.overrides], plain=loop, block=given.block, blocks=given.blocks)
        print(row(name, blocks, given.block), flush=True)


if __name__ == "__main__":
    main()
