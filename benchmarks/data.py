"""The data path against a plain per-sample loop, paired in one run on one core: `python benchmarks/data.py`.

Both deliver augmented (crop by 4, mirror) 32x32 colour images as float batches of 64. The plain loop is what a Dataset of
Pillow images with per-sample transforms does, its images already decoded in memory. Rounds alternate, the ratio is taken
within a round. Images are CIFAR-10 when a folder is given, noise otherwise.

    python benchmarks/data.py [folder with train.parquet and test.parquet] [--seconds 2] [--rounds 5]
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table

from sparring.data.cifar10 import Cifar10
from sparring.data.module.image_data import ImageData

CONF = Path(__file__).resolve().parents[1] / "conf"
BATCH, PADDING, SIZE = 64, 4, 32


def image_data(path: str, cache_dir: str) -> ImageData:
    """ImageData of `path` with crop and flip, ready to iterate."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = ["+data=cifar10", "+seed=0", f"+paths.cache_dir={cache_dir}", f"data.path={path}"]
        settings = {str(key): value for key, value in compose(overrides=overrides).data.items()}
    del settings["_target_"], settings["source"]
    data = ImageData(source=Cifar10(), **settings | {"crop": PADDING, "flip": True, "batch_size": BATCH})
    data.streams, data.clock = {"train": 1}, SimpleNamespace(iteration=0)
    return data


def noise(folder: Path) -> Path:
    """50,000 + 10,000 random images as one .npz."""
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in (("train", 50_000), ("test", 10_000)):
        arrays[f"x_{split}"] = random.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
        arrays[f"y_{split}"] = np.arange(count) % 10
    np.savez(folder / "noise.npz", **arrays)
    return folder / "noise.npz"


def ours(data: ImageData) -> Iterator[torch.Tensor]:
    while True:
        for batch in data.train_dataloader():
            yield data.on_after_batch_transfer(batch, 0)["train"][0].image


def per_sample(images: list[Image.Image]) -> Iterator[torch.Tensor]:
    random = np.random.default_rng(0)
    while True:
        for rows in np.array_split(random.permutation(len(images)), len(images) // BATCH):
            yield torch.stack([_sample(images[row], random) for row in rows])


def _sample(image: Image.Image, random: np.random.Generator) -> torch.Tensor:
    left, top = random.integers(0, 2 * PADDING + 1, 2)
    image = ImageOps.expand(image, PADDING).crop((left, top, left + SIZE, top + SIZE))
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(127.5).sub(1)


def rate(batches: Iterator[torch.Tensor], seconds: float) -> float:
    """Images per second."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        count += len(next(batches))
    return count / elapsed


def timed(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def child(path: str, cache_dir: str) -> None:
    """In a process of its own: seconds to set up, peak memory after it and before it."""
    torch.set_num_threads(1)
    data = image_data(path, cache_dir)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = timed(data.setup)
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before / 1024)


def set_up(path: str, cache_dir: str) -> tuple[float, ...]:
    output = subprocess.run(
        [sys.executable, __file__, "--child", path, cache_dir], check=True, capture_output=True, text=True
    ).stdout
    return tuple(map(float, output.split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = given.path or str(noise(Path(folder)))
        first, again = set_up(path, folder), min(set_up(path, folder) for _ in range(3))
        data = image_data(path, folder)
        data.setup()
        pixels = data.train_images(torch.arange(len(data.train_labels))).permute(0, 2, 3, 1).numpy()
        fast, slow = ours(data), per_sample([Image.fromarray(row) for row in pixels])
        pairs = [(rate(fast, given.seconds), rate(slow, given.seconds)) for _ in range(given.rounds)]
    table = Table("measure", "value", title=f"data path, {given.path or 'noise'}, one core")
    table.add_row("augmented images/s, ImageData", f"{statistics.median(f for f, _ in pairs):,.0f}")
    table.add_row("augmented images/s, per sample", f"{statistics.median(s for _, s in pairs):,.0f}")
    table.add_row("ratio within a round", f"{statistics.median(f / s for f, s in pairs):.1f}")
    table.add_row("first set-up (decode, write cache)", f"{first[0]:.2f} s, peak {first[1]:.0f} MB")
    table.add_row("set-up from cache", f"{again[0]:.2f} s, peak {again[1]:.0f} MB")
    table.add_row("memory before set-up (imports)", f"{again[2]:.0f} MB")
    Console().print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
