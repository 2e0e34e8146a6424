"""What measuring quality adds to a training: `callback=[default,quality]` at its default settings against `callback=default`.

    python benchmarks/quality.py [rounds 3] [overrides]      for example: trainer.max_steps=500

Both variants are whole runs of the train stage on digits in one process, in alternating order, one thread, CPU time. The
reference classifier and the features of val are in the cache (training it costs 16 s, once per data set). Prints the paired
ratios and how many of the planned measurements were taken.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from sparring.callback.quality import MEASUREMENTS
from sparring.config.compose import compose
from sparring.stage.train import train


def seconds(folder: Path, *overrides: str) -> tuple[float, dict[str, Any], int]:
    """(CPU seconds, result, measurements taken) of one run."""
    given = [f"paths.run_dir={folder}", "name=benchmark", "report=false", "callback.samples.first=1000000", *overrides]
    config = compose("train", given)
    started = time.process_time()
    result = train(config, folder)
    used = time.process_time() - started
    curve = folder / "quality.csv"
    return used, result, len(curve.read_text().splitlines()) - 1 if curve.exists() else 0


def main(rounds: int, overrides: list[str]) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        variants = {"plain": "callback=[default]", "measured": "callback=[default,quality]"}
        for name, callbacks in variants.items():
            seconds(Path(folder) / f"warm_{name}", *overrides, callbacks, "trainer.max_steps=5")
        rows = []
        for turn in range(rounds):
            order = list(variants) if turn % 2 else list(reversed(variants))
            row = {name: seconds(Path(folder) / f"{name}_{turn}", *overrides, variants[name]) for name in order}
            rows.append(row)
            print(
                f"round {turn}: plain {row['plain'][0]:.1f} s, measured {row['measured'][0]:.1f} s, "
                f"{row['measured'][2]} of {MEASUREMENTS} measurements", flush=True,
            )  # fmt: skip
    ratios = [row["measured"][0] / row["plain"][0] for row in rows]
    print(f"ratio measured / plain: median {statistics.median(ratios):.3f} [{min(ratios):.3f} .. {max(ratios):.3f}]")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given and given[0].isdigit() else 3, [each for each in given if not each.isdigit()])
