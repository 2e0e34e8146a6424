"""How an iteration scales: measured with one and two processes here, a model fitted to it, and what it says of more GPUs.

    python benchmarks/scaling.py                        measures (2 minutes on two idle cores) and calculates
    python benchmarks/scaling.py --plan --flops 150e12 --inside 200e9 --between 25e9      calculates alone, for other hardware

Measured: the training step under the real Trainer, on digits, per iteration: wall milliseconds, CPU milliseconds, collectives and
the bytes of their tensors, and wall time inside of them (which holds the wait for the slower process). One thread per process.
Of each the median over the iterations, of the time in collectives also the least: what else the machine does only adds.

Calculated: compute + communication, with compute = floating-point operations / rate, and communication = 2 (W - 1) / W * bytes
/ bandwidth, a ring all-reduce that overlaps with nothing, as core/distributed.py sends it. Operations are counted by torch on
networks without values ("meta").
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
import torch.distributed as dist
from scaling_plan import plan

from sparring.config.compose import compose
from sparring.core.errors import SparringError
from sparring.model.gan import GAN
from sparring.stage.train import train

WARM_UP = 3
COLLECTIVES = ("all_reduce", "all_gather", "all_gather_into_tensor", "reduce_scatter_tensor", "broadcast")


# -- measured ------------------------------------------------------------------------------------------------------------


class Count:
    """Collectives of an iteration: how many, their bytes, and the seconds spent in them."""

    def __init__(self) -> None:
        self.calls, self.bytes, self.seconds = 0, 0, 0.0
        for name in COLLECTIVES:
            setattr(dist, name, self._counted(getattr(dist, name)))

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def collective(tensor: Any, *args: Any, **named: Any) -> Any:
            start = time.perf_counter()
            done = function(tensor, *args, **named)
            self.seconds += time.perf_counter() - start
            sent = sum(each.nbytes for each in tensor) if isinstance(tensor, list) else tensor.nbytes
            self.calls, self.bytes = self.calls + 1, self.bytes + sent
            return done

        return collective


def worker(overrides: list[str]) -> None:
    """Train and print a line of JSON with a row for each iteration: [wall s, CPU s, s in collectives, bytes, collectives]."""
    torch.set_num_threads(1)
    count, rows, step = Count(), [], GAN.training_step

    def timed(self: GAN, batch: Any, batch_idx: int) -> None:
        count.calls, count.bytes, count.seconds = 0, 0, 0.0
        wall, cpu = time.perf_counter(), time.process_time()
        step(self, batch, batch_idx)
        rows.append([time.perf_counter() - wall, time.process_time() - cpu, count.seconds, count.bytes, count.calls])

    GAN.training_step = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        train(compose("train", [*overrides, f"paths.log_dir={folder}"]), Path(folder) / "run", hints=False)
    if "LOCAL_RANK" not in os.environ or os.environ["LOCAL_RANK"] == "0":
        print(json.dumps(rows[WARM_UP:]), flush=True)


def measured(preset: str, size: int, batch: int, processes: int, *, iterations: int, cache: str) -> dict[str, Any]:
    """The medians over the iterations of one training; batch: of all processes."""
    overrides = [
        f"model={preset}", f"data.image_size={size}", f"data.batch_size={batch}", f"trainer.devices={processes}",
        "trainer.accelerator=cpu", f"trainer.max_steps={WARM_UP + iterations}", "trainer.val_check_interval=100000",
        "callback.checkpoint.every=100000", "~callback.samples", "report=false", f"paths.cache_dir={cache}",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, __file__, "--worker", *overrides], capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(overrides)} failed:\n{done.stderr[-2000:]}")
    rows = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("[[")))
    wall, cpu, inside, sent, calls = (median(column) for column in zip(*rows, strict=True))
    least = min(row[2] for row in rows)
    return {"preset": preset, "size": size, "batch": batch, "processes": processes, "wall": wall, "cpu": cpu, "inside": inside,
            "least": least, "bytes": sent, "calls": calls}  # fmt: skip


def fitted(rows: list[dict[str, Any]]) -> dict[tuple[str, int], tuple[float, float]]:
    """Of each preset and size: (seconds of an iteration whatever the batch, seconds an image), of one process's CPU time."""
    found = {}
    for key in dict.fromkeys((row["preset"], row["size"]) for row in rows):
        own = [row for row in rows if (row["preset"], row["size"]) == key and row["processes"] == 1]
        slope, start = np.polyfit([row["batch"] for row in own], [row["cpu"] for row in own], 1)
        found[key] = (float(start), float(slope))
    return found


def measure(presets: list[str], sizes: list[int], batches: list[int], iterations: int) -> None:
    """The table of what was measured, and the model that fits it."""
    print(
        "| preset | pixels | batch | processes | wall ms | CPU ms | collectives | MB sent | ms in collectives | share |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for preset, size, batch, processes in itertools.product(presets, sizes, batches, (1, 2)):
            row = measured(preset, size, batch, processes, iterations=iterations, cache=cache)
            rows.append(row)
            print(
                f"| {preset} | {size} | {batch} | {processes} | {1e3 * row['wall']:.1f} | {1e3 * row['cpu']:.1f} | "
                f"{row['calls']:.0f} | {row['bytes'] / 1e6:.2f} | {1e3 * row['inside']:.1f} (least {1e3 * row['least']:.1f}) | "
                f"{row['inside'] / row['wall']:.0%} |", flush=True,
            )  # fmt: skip
    model = fitted(rows)
    both = [row for row in rows if row["processes"] == 2]
    bandwidth = sum(row["bytes"] for row in both) / sum(row["least"] for row in both)
    alone = {id(row): _half(model, row) for row in both}
    each = sum(row["cpu"] - alone[id(row)] for row in both) / sum(row["calls"] for row in both)
    print(
        f"\nTwo processes over gloo: {1e3 * each:.1f} CPU ms for a collective; {bandwidth / 1e6:.0f} MB/s, from the least wall "
        "time in collectives.\n"
    )
    print("| preset | pixels | CPU ms of one process | two, by batch: calculated / measured CPU ms, of half of one's |")
    print("|---|---|---|---|")
    for (preset, size), (start, slope) in model.items():
        pairs = []
        for row in both:
            if (row["preset"], row["size"]) == (preset, size):
                one = next(other["cpu"] for other in rows if other["processes"] == 1 and _same(other, row))
                made = alone[id(row)] + each * row["calls"]
                pairs.append(f"{row['batch']}: {1e3 * made:.1f} / {1e3 * row['cpu']:.1f}, {2 * row['cpu'] / one:.2f}")
        print(f"| {preset} | {size} | {1e3 * start:.1f} + {1e3 * slope:.3f} per image | {'; '.join(pairs)} |")


def _half(model: dict[tuple[str, int], tuple[float, float]], row: dict[str, Any]) -> float:
    """CPU seconds of a process that has half of the batch, before anything is sent."""
    start, slope = model[row["preset"], row["size"]]
    return start + slope * row["batch"] / 2


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[key] == other[key] for key in ("preset", "size", "batch"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--plan", action="store_true", help="calculate alone")
    parser.add_argument("--presets", default="rpgan,dcgan", help="of GANs (default: %(default)s)")
    parser.add_argument("--sizes", default="8,16", help="pixels (default: %(default)s)")
    parser.add_argument("--batches", default="32,64,128", help="images of all processes (default: %(default)s)")
    parser.add_argument("--iterations", type=int, default=15, help="that are timed (default: %(default)s)")
    parser.add_argument(
        "--flops", type=float, default=100e12, help="operations a second that a GPU does (default: %(default)s)"
    )
    parser.add_argument(
        "--inside", type=float, default=150e9, help="bytes a second in a machine (default: %(default)s)"
    )
    parser.add_argument(
        "--between", type=float, default=20e9, help="bytes a second and GPU between (default: %(default)s)"
    )
    given = parser.parse_args()
    try:
        if given.worker:
            worker(given.worker)
            return
        if not given.plan:
            sizes, batches = ([int(each) for each in text.split(",")] for text in (given.sizes, given.batches))
            measure(given.presets.split(","), sizes, batches, given.iterations)
            print()
        plan(given.flops, given.inside, given.between)
    except SparringError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
