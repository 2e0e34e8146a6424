"""What it gains that malloc keeps freed memory (`core/allocator.py`): processes with and without, in turns.

    python benchmarks/allocator.py
    python benchmarks/allocator.py --rounds 7 --iterations 40 model=dcgan data=digits data.image_size=32

Each process trains for so many iterations on one thread after four that do not count. Printed: CPU-milliseconds an iteration
with and without, the median of the paired ratios with their range, the kernel's share of the CPU time, page faults an iteration
and the peak memory of the process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from typing import Any

RECIPES = [
    ["model=rpgan", "data=digits"], ["model=dcgan", "data=digits"], ["model=sngan", "data=digits", "data.image_size=32"],
    ["model=stylegan2", "data=digits", "data.image_size=32"], ["model=dcgan", "data=digits", "data.image_size=64"],
    ["model=classifier", "data=digits", "data.image_size=32"],
]  # fmt: skip
WARM_UP = 4


def one(kept: bool, iterations: int, overrides: list[str]) -> dict[str, float]:
    """Per iteration: ms of CPU, system (of them in the kernel), faults; memory: MiB at the peak of this process."""
    import lightning.pytorch as L
    import torch

    from sparring.callback.scalars import Scalars
    from sparring.config.build import build
    from sparring.config.compose import compose
    from sparring.core.allocator import keep_freed_memory
    from sparring.trained.runs import build_model

    torch.set_num_threads(1)
    if kept and not keep_freed_memory():
        sys.exit("This system's malloc has no such setting; the benchmark needs glibc, as on Linux.")
    marks: list[resource.struct_rusage] = []

    class Stopwatch(L.Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            marks.append(resource.getrusage(resource.RUSAGE_SELF))

    with tempfile.TemporaryDirectory() as folder:
        places = [f"paths.log_dir={folder}", f"paths.run_dir={folder}/run", "trainer.accelerator=cpu"]
        config = compose("train", [*places, *overrides])
        model, data = build_model(config), build(config.data, section="data")
        data.streams, data.clock, model.budget = model.streams, model.clock, WARM_UP + iterations
        L.Trainer(
            max_steps=WARM_UP + iterations, max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Scalars(), Stopwatch()],
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
            use_distributed_sampler=False,
        ).fit(model, datamodule=data)  # fmt: skip
    first, last = marks[WARM_UP - 1], marks[-1]
    system = last.ru_stime - first.ru_stime
    return {
        "ms": 1000 * (last.ru_utime - first.ru_utime + system) / iterations,
        "system": 1000 * system / iterations,
        "faults": (last.ru_minflt - first.ru_minflt) / iterations,
        "memory": last.ru_maxrss / 1024,
    }


def in_a_process(kept: bool, iterations: int, overrides: list[str]) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", str(int(kept)), "--iterations", str(iterations), *overrides]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=24)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*", help=f"of one recipe, instead of {len(RECIPES)}")
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(one(bool(given.one), given.iterations, given.overrides)))
        return
    print(
        "| recipe | ms: kept / given back | kept / given back | in the kernel | page faults | memory, MiB |\n"
        "|---|---|---|---|---|---|"
    )
    for recipe in [given.overrides] if given.overrides else RECIPES:
        pairs = [[in_a_process(kept, given.iterations, recipe) for kept in (True, False)] for _ in range(given.rounds)]
        ratios = sorted(kept["ms"] / back["ms"] for kept, back in pairs)
        kept, back = (
            {key: statistics.median(pair[side][key] for pair in pairs) for key in pairs[0][0]} for side in (0, 1)
        )
        print(
            f"| {' '.join(recipe)} | {kept['ms']:.1f} / {back['ms']:.1f} "
            f"| {statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}] "
            f"| {kept['system'] / kept['ms']:.0%} / {back['system'] / back['ms']:.0%} "
            f"| {kept['faults']:.0f} / {back['faults']:.0f} | {kept['memory']:.0f} / {back['memory']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
