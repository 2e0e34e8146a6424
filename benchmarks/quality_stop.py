"""What a stop on quality saves on digits, against the whole budget.

    python benchmarks/quality_stop.py <folder for the runs> [iterations 3000] [seeds 3] [overrides]

One run per seed to the end of its budget, with 20 measurements against val and the weights kept at each. Every draw is a
function of seed and iteration, so a run that stops is the beginning of that run: where `callback/quality_stop` (no improvement
by 5 % in 4 measurements, without confirmation) would have ended it is read off by giving it the recorded measurements one by
one. Both the stopped and the whole run then have the weights of their best measurement so far, whose quality is
measured as `evaluate.py` does: 3 sets of 1,000 samples against the test split, which no decision has used.
"""

import csv
import os
import shutil
import sys
import time
from pathlib import Path
from statistics import mean
from types import SimpleNamespace
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from sparring.callback.quality import Quality
from sparring.callback.quality_stop import QualityStop
from sparring.config.build import build
from sparring.config.compose import compose
from sparring.evaluation.curve import Measurement
from sparring.stage.evaluate import evaluate
from sparring.stage.train import train

MEASUREMENTS = 20
COMPARED = ("fd", "kid", "coverage")


def composed(verb: str, folder: Path, *overrides: str) -> Any:
    return compose(verb, [f"paths.run_dir={folder}", f"name={folder.name}", "report=false", *overrides])


def trained(folder: Path, budget: int, *overrides: str) -> Any:
    """The whole run; returns its config."""
    config = composed(
        "train", folder, "callback=[default,quality,quality_stop]", f"trainer.max_steps={budget}",
        f"callback.quality.every={budget // MEASUREMENTS}", "callback.quality.max_time_share=null",
        "callback.quality.keep_weights=true", "callback.quality_stop.confirm=false",
        "callback.quality_stop.min_improvement=0.05", "callback.samples.first=1000000", *overrides,
    )  # fmt: skip
    whole = config.copy()
    whole.callback = {name: node for name, node in config.callback.items() if name != "quality_stop"}
    train(whole, folder)
    return config


def replayed(config: Any, folder: Path) -> tuple[int, int, str]:
    """(iteration of the stop, iteration of the best measurement until then, why) by the recorded measurements."""
    quality: Quality = build(config.callback.quality, section="callback")
    stop: QualityStop = build(config.callback.quality_stop, section="callback")
    trainer: Any = SimpleNamespace(should_stop=False, callbacks=[quality, stop])
    with (folder / "quality.csv").open() as file:
        for row in csv.DictReader(file):
            values = {name: float(row[name]) for name in quality.names}
            quality.history.append(
                Measurement(int(row["iteration"]), int(row["images_seen"]), values, bool(int(row["best"])))
            )
            stop.decide(trainer, SimpleNamespace(), quality, quality.history[-1])  # type: ignore[arg-type]
            if trainer.should_stop:
                break
    assert quality.best is not None
    return quality.history[-1].iteration, quality.best.iteration, stop.sentence or "budget"


def test_values(run: Path, iteration: int) -> dict[str, tuple[float, float]]:
    """(value, standard deviation) by metric of the weights kept at `iteration`, against test."""
    state, folder = run.with_name(f"{run.name}_{iteration}"), run.with_name(f"{run.name}_{iteration}_evaluated")
    shutil.copytree(run, state, ignore=shutil.ignore_patterns("*.ckpt*", "quality_*.safetensors", ".lock"))
    shutil.copy(run / "checkpoints" / f"quality_{iteration:08d}.safetensors", state / "weights_best.safetensors")
    asked = [f"run={state}", "checkpoint=best", f"metric.names=[{','.join(COMPARED)}]", "splits=[test]", "count=1000"]
    result = evaluate(composed("evaluate", folder, *asked), folder)
    return {record["metric"]: (record["value"], record["std"]) for record in result["records"]}


def best_of(folder: Path) -> int:
    with (folder / "quality.csv").open() as file:
        return max(int(row["iteration"]) for row in csv.DictReader(file) if row["best"] == "1")


def main(folder: Path, budget: int, seeds: int, overrides: list[str]) -> None:
    torch.set_num_threads(1)
    rows, saved, change = [], [], []
    for seed in range(1, seeds + 1):
        started, run = time.process_time(), folder / f"seed_{seed}"
        config = trained(run, budget, f"seed={seed}", *overrides)
        seconds = time.process_time() - started
        at, kept, why = replayed(config, run)
        stopped, whole = test_values(run, kept), test_values(run, best_of(run)) if best_of(run) != kept else None
        whole = whole or stopped
        cells = [
            ", ".join(f"{side[name][0]:.4g} ± {side[name][1]:.1g}" for side in (stopped, whole)) for name in COMPARED
        ]
        rows.append(f"| {seed} | {at} of {budget} | {kept}, {best_of(run)} | " + " | ".join(cells) + " |")
        saved.append(1 - at / budget)
        change.append(stopped["fd"][0] / whole["fd"][0] - 1)
        print(f"seed {seed}: {why}; the whole run took {seconds:.0f} CPU s", flush=True)
    print(
        "\n| seed | stopped at | best, whole's best | "
        + " | ".join(f"{name}: stopped, whole" for name in COMPARED)
        + " |"
    )
    print("|---" * (3 + len(COMPARED)) + "|")
    print("\n".join(rows))
    shares, changes = ", ".join(f"{each:.0%}" for each in saved), ", ".join(f"{each:+.1%}" for each in change)
    print(f"\nsaved {mean(saved):.0%} of the iterations on average ({shares})")
    print(f"fd on test of the stopped run over the whole one: {changes}, mean {mean(change):+.1%}")


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[2:4] if each.isdigit()]
    main(Path(sys.argv[1]).absolute(), *(numbers + [3000, 3][len(numbers) :]), sys.argv[2 + len(numbers) :])
