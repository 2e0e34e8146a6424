"""One cell of the zoo: one preset on one data set with one seed, trained by the train stage, sampled and measured.

Run by `zoo.py` in a process of its own: python benchmarks/zoo_cell.py DATA PRESET SEED LENGTH FOLDER [overrides]
LENGTH: CPU-seconds such as 60s, for which the iterations that fit are measured first on a copy; iterations such as 1000it; or
`timing`, for that measurement alone, whose lowest result so far is kept beside FOLDER (work of others on the machine only adds).
Leaves cell.json, samples.pt and the run in FOLDER.
"""

import json
import math
import os
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from class_quality import ClassQuality

from sparring.config.compose import compose as compose_verb
from sparring.generation.sampler import Sampler, joined
from sparring.run.cost import peak_memory_mb
from sparring.stage.train import train
from sparring.trained.runs import Runs

LOGS = Path(__file__).resolve().parent.parent / "logs" / "zoo"
SAMPLES, SHOWN, WARM_UP, TIMED = 2000, 100, 4, 12


def compose(*overrides: str, run_dir: Path) -> Any:
    """train.py's configuration without pictures, validation and reports."""
    places = [f"paths.log_dir={LOGS}", f"paths.run_dir={run_dir}", f"paths.cache_dir={LOGS / 'cache'}"]
    quiet = ["name=zoo", "report=false", "~callback.samples", "trainer.accelerator=cpu", "trainer.val_check_interval=1000000",
             "callback.checkpoint.every=1000000"]  # fmt: skip
    return compose_verb("train", [*places, *quiet, *overrides])


def iteration_seconds(config: Any) -> float:
    """CPU-seconds of one iteration on an idle core, on a copy that is thrown away.

    Of the fastest of at least three whole cycles of lazy penalties: other work on the machine makes iterations cost up to twice
    as much here.
    """
    import lightning.pytorch as L

    from sparring.callback.scalars import Scalars
    from sparring.config.build import build
    from sparring.trained.runs import build_model

    times: list[float] = []

    class Stopwatch(L.Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            times.append(time.process_time())

    intervals = [each.get("interval", 1) for each in config.model.get("regularizer", {}).values()]
    cycle = math.lcm(1, *intervals)
    timed = cycle * max(3, math.ceil(TIMED / cycle))
    model, data, watch = build_model(config), build(config.data, section="data"), Stopwatch()
    data.streams, data.clock, model.budget = model.streams, model.clock, WARM_UP + timed
    data.setup("fit")
    L.Trainer(
        max_steps=WARM_UP + timed, max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Scalars(), watch],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
        use_distributed_sampler=False,
    ).fit(model, datamodule=data)  # fmt: skip
    return min(after - before for before, after in pairwise(times[WARM_UP - 1 :: cycle])) / cycle


def timing_of(folder: Path, length: str) -> Path:
    """Where the timing of a cell's preset and changes is kept, for cells of any length."""
    return folder.with_name(folder.name.replace(f"_{length}", "", 1) + ".timing.json")


def idle_seconds(config: Any, kept: Path) -> float:
    """The lowest `iteration_seconds` so far, which is kept in the file."""
    seconds = iteration_seconds(config)
    if kept.exists():
        seconds = min(seconds, json.loads(kept.read_text())["seconds"])
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"seconds": seconds}))
    return seconds


def main(data: str, preset: str, seed: str, length: str, folder: Path, changes: list[str]) -> None:
    torch.set_num_threads(1)
    chosen = [f"model={preset}", f"data={data}", f"seed={seed}", *changes]
    run = folder / f"run_{time.time_ns()}"
    config = compose(*chosen, run_dir=run)
    if length == "timing":
        print(f"{data} {preset}: {1000 * idle_seconds(config, timing_of(folder, length)):.1f} ms")
        return
    quality = ClassQuality(config.data, LOGS / "cache")
    if length.endswith("it"):
        iterations, planned = int(length.removesuffix("it")), {}
    else:
        seconds = idle_seconds(config, timing_of(folder, length))
        iterations = max(1, round(float(length.removesuffix("s")) / seconds))
        planned = {"idle_seconds": iterations * seconds}
    config.trainer.max_steps = iterations
    start = time.process_time()
    result = train(config, run)
    spent = time.process_time() - start
    trained = Runs().generator(run)
    classes = trained.num_classes or quality.num_classes
    samples = joined(
        Sampler(trained.network, latent_dim=trained.latent_dim, num_classes=classes, count=SAMPLES, seed=0)
    )
    row = {"preset": preset, "data": data, "seed": int(seed), "iterations": iterations, **planned,
           "seconds": spent, "ms": 1000 * spent / iterations, "memory": peak_memory_mb(torch.device("cpu"))["process"],
           "parameters": result["parameters"], "scalars": result["scalars"], "held_out": quality.held_out}  # fmt: skip
    torch.save({"image": samples.image[:SHOWN], "label": samples.label[:SHOWN]}, folder / "samples.pt")
    (folder / "cell.json").write_text(json.dumps(row | quality(samples.image, samples.label), indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:5], Path(sys.argv[5]), sys.argv[6:])
