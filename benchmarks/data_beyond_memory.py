"""Resident memory with images that do not fit: `python benchmarks/data_beyond_memory.py [--images 1280000] [--limit 1500]`.

Writes synthetic shards of WebDataset (PNGs of `--size` pixels), lets `data=webdataset` make its cache from them, and
reads `--batches` batches of 64 in windows; each step in a process of its own under a limit of RLIMIT_DATA, which counts
memory that the process holds, not files that it maps. Prints the largest resident memory without mapped files (RssAnon
of /proc/self/status), and images per second.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

IN_SHARD, PICTURES, BATCH = 10_000, 64, 64


def write_shards(folder: Path, images: int, size: int) -> None:
    """Tar files of PNGs, `PICTURES` different ones in turn."""
    random, pictures = np.random.default_rng(0), []
    for _ in range(PICTURES):
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(buffer, "PNG")
        pictures.append(buffer.getvalue())
    for first in range(0, images, IN_SHARD):
        with tarfile.open(folder / f"train-{first // IN_SHARD:06d}.tar", "w") as tar:
            for number in range(first, min(first + IN_SHARD, images)):
                for suffix, content in ((".png", pictures[number % PICTURES]), (".cls", str(number % 10).encode())):
                    member = tarfile.TarInfo(f"{number:08d}{suffix}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


class Peak:
    """The largest RssAnon of this process, looked at twenty times a second."""

    def __init__(self) -> None:
        self.mb = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            lines = Path("/proc/self/status").read_text().splitlines()
            kb = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            self.mb = max(self.mb, kb / 1024)
            time.sleep(0.05)


def measured(folder: Path, size: int, batches: int, window: int) -> dict[str, float]:
    """Open the data, which makes the cache the first time, and read `batches`."""
    from hydra import compose, initialize_config_dir

    from sparring.data.module.image_data import ImageData
    from sparring.data.webdataset import Webdataset

    peak, started = Peak(), time.perf_counter()
    with initialize_config_dir(str(Path(__file__).resolve().parents[1] / "conf"), version_base="1.3"):
        overrides = ["+data=webdataset", "+seed=0", f"+paths.cache_dir={folder / 'cache'}", "data.num_classes=10"]
        settings: dict[str, Any] = {str(key): value for key, value in compose(overrides=overrides).data.items()}
    del settings["_target_"], settings["source"]
    settings |= {"path": str(folder / "shards"), "image_size": size, "window": window, "storage": "mmap"}
    data = ImageData(source=Webdataset(), **settings)
    data.streams, data.clock = {"train": 1}, SimpleNamespace(iteration=0)
    data.setup()
    opened = time.perf_counter()
    for number, _ in enumerate(data.train_dataloader(), start=1):
        if number == batches:
            break
    read = time.perf_counter() - opened
    return {"mb": peak.mb, "open_seconds": opened - started, "images_per_second": batches * BATCH / read}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_280_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--limit", type=int, default=1500, help="MB that a process may hold")
    parser.add_argument("--batches", type=int, default=500)
    parser.add_argument("--window", type=int, default=65_536)
    parser.add_argument("--folder", type=Path, help="of an earlier call, for one measurement in this process")
    given = parser.parse_args()
    if given.folder is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (given.limit * 2**20, given.limit * 2**20))
        print(json.dumps(measured(given.folder, given.size, given.batches, given.window)))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "shards").mkdir()
        write_shards(folder / "shards", given.images, given.size)
        stored = given.images * given.size**2 * 3 / 2**20
        print(
            f"{given.images:,} images of {given.size} x {given.size}: {stored:,.0f} MB; a process may hold {given.limit} MB"
        )
        for what in ("cache written, then read", "cache there"):
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--folder", place], capture_output=True, text=True
            )
            if done.returncode:
                sys.exit(done.stderr)
            figures = json.loads(done.stdout.splitlines()[-1])
            print(f"{what}: {figures['mb']:,.0f} MB held, open after {figures['open_seconds']:.1f} s, "
                  f"{figures['images_per_second']:,.0f} images/s")  # fmt: skip


if __name__ == "__main__":
    main()
