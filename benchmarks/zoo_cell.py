"""One cell of the zoo: one preset on one data set with one seed, trained by the train stage, sampled and measured.

Run by `zoo.py` in a process of its own: python benchmarks/zoo_cell.py DATA PRESET SEED LENGTH FOLDER [overrides]
LENGTH: CPU-seconds such as 60s, for which the iterations that fit are measured first on a copy, or iterations such as 1000it.
Leaves cell.json, samples.pt and the run in FOLDER.
"""

import json
import os
import statistics
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
SAMPLES, SHOWN, WARM_UP, TIMED = 2000, 100, 3, 12


def compose(*overrides: str, run_dir: Path) -> Any:
    """train.py's configuration without pictures, validation and reports."""
    places = [f"paths.log_dir={LOGS}", f"paths.run_dir={run_dir}", f"paths.cache_dir={LOGS / 'cache'}"]
    quiet = ["name=zoo", "report=false", "~callback.samples", "trainer.accelerator=cpu", "trainer.val_check_interval=1000000",
             "callback.checkpoint.every=1000000"]  # fmt: skip
    return compose_verb("train", [*places, *quiet, *overrides])


def iteration_seconds(config: Any) -> float:
    """CPU-seconds of one iteration, on a copy that is thrown away: the lower quartile, which other work on the machine, by which
    iterations cost up to twice as much here, hardly changes.
    """
    import lightning.pytorch as L

    from sparring.callback.scalars import Scalars
    from sparring.config.build import build
    from sparring.trained.runs import build_model

    times: list[float] = []

    class Stopwatch(L.Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            times.append(time.process_time())

    model, data, watch = build_model(config), build(config.data, section="data"), Stopwatch()
    data.streams, data.clock, model.budget = model.streams, model.clock, WARM_UP + TIMED
    data.setup("fit")
    L.Trainer(
        max_steps=WARM_UP + TIMED, max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Scalars(), watch],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
        use_distributed_sampler=False,
    ).fit(model, datamodule=data)  # fmt: skip
    each = [after - before for before, after in pairwise(times[WARM_UP - 1 :])]
    return statistics.quantiles(each, n=4)[0]


def main(data: str, preset: str, seed: str, length: str, folder: Path, changes: list[str]) -> None:
    torch.set_num_threads(1)
    chosen = [f"model={preset}", f"data={data}", f"seed={seed}", *changes]
    run = folder / f"run_{time.time_ns()}"
    config = compose(*chosen, run_dir=run)
    quality = ClassQuality(config.data, LOGS / "cache")
    if length.endswith("it"):
        iterations = int(length.removesuffix("it"))
    else:
        iterations = max(1, round(float(length.removesuffix("s")) / iteration_seconds(config)))
    config.trainer.max_steps = iterations
    start = time.process_time()
    result = train(config, run)
    spent = time.process_time() - start
    trained = Runs().generator(run)
    classes = trained.num_classes or quality.num_classes
    samples = joined(
        Sampler(trained.network, latent_dim=trained.latent_dim, num_classes=classes, count=SAMPLES, seed=0)
    )
    row = {"preset": preset, "data": data, "seed": int(seed), "iterations": iterations, "seconds": spent,
           "ms": 1000 * spent / iterations, "memory": peak_memory_mb(torch.device("cpu"))["process"],
           "parameters": result["parameters"], "scalars": result["scalars"], "held_out": quality.held_out}  # fmt: skip
    torch.save({"image": samples.image[:SHOWN], "label": samples.label[:SHOWN]}, folder / "samples.pt")
    (folder / "cell.json").write_text(json.dumps(row | quality(samples.image, samples.label), indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:5], Path(sys.argv[5]), sys.argv[6:])
