"""What a stop on quality saves: `callback=[default,quality,quality_stop]` against the whole budget, same seeds, digits.

    python benchmarks/quality_stop.py <folder for the runs> [iterations 2000] [seeds 3] [overrides]

For each seed two runs of the default recipe that share all draws: one to the end of the budget, one that may stop when val has
not improved by 5 % in 4 measurements (20 in the budget). Both end with the weights of their best measurement. What they are
worth is measured as `evaluate.py` does: 3 sets of 1,000 samples against the test split, which no decision has seen.
"""

import os
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from sparring.cli.config import compose
from sparring.stage.evaluate import evaluate
from sparring.stage.train import train

MEASUREMENTS = 20
STOP = ["callback.quality_stop.patience=4", "callback.quality_stop.min_improvement=0.05"]
NEVER = ["callback.quality_stop.patience=null", "callback.quality_stop.collapse=1e9"]
JUDGED = ("fd", "kid", "coverage")


def composed(verb: str, folder: Path, *overrides: str) -> Any:
    return compose(verb, [f"paths.run_dir={folder}", f"name={folder.name}", "report=false", *overrides])


def trained(folder: Path, budget: int, *overrides: str) -> tuple[dict[str, Any], float]:
    """(result, CPU seconds) of a run."""
    started = time.process_time()
    config = composed(
        "train", folder, "callback=[default,quality,quality_stop]", f"trainer.max_steps={budget}",
        f"callback.quality.every={budget // MEASUREMENTS}", "callback.quality.most_share=null",
        "callback.samples.first=1000000", *overrides,
    )  # fmt: skip
    return train(config, folder), time.process_time() - started


def worth(run: Path) -> dict[str, tuple[float, float]]:
    """(value, spread) by metric, against test."""
    folder = run.with_name(f"{run.name}_evaluated")
    names = f"metric.names=[{','.join(JUDGED)}]"
    result = evaluate(composed("evaluate", folder, f"run={run}", names, "splits=[test]", "count=1000"), folder)
    return {record["metric"]: (record["value"], record["spread"]) for record in result["metrics"]}


def main(folder: Path, budget: int, seeds: int, overrides: list[str]) -> None:
    torch.set_num_threads(1)
    rows = []
    for seed in range(1, seeds + 1):
        sides = {}
        for name, settings in (("whole", NEVER), ("stopped", STOP)):
            run = folder / f"{name}_{seed}"
            result, seconds = trained(run, budget, *settings, f"seed={seed}", *overrides)
            sides[name] = (result["clock"]["iteration"], seconds, worth(run), result["stopped"])
            print(f"seed {seed}, {name}: {sides[name]}", flush=True)
        rows.append(sides)
    print("\n| seed | iterations | CPU s | " + " | ".join(f"{name}: whole, stopped" for name in JUDGED) + " |")
    print("|---" * (3 + len(JUDGED)) + "|")
    for seed, sides in enumerate(rows, 1):
        whole, stopped = sides["whole"], sides["stopped"]
        cells = [", ".join(f"{s[2][name][0]:.4g} ± {s[2][name][1]:.1g}" for s in (whole, stopped)) for name in JUDGED]
        print(f"| {seed} | {whole[0]}, {stopped[0]} | {whole[1]:.0f}, {stopped[1]:.0f} | " + " | ".join(cells) + " |")
    saved = mean(1 - sides["stopped"][0] / sides["whole"][0] for sides in rows)
    change = [sides["stopped"][2]["fd"][0] / sides["whole"][2]["fd"][0] - 1 for sides in rows]
    print(f"\nsaved {saved:.0%} of the iterations; fd of the stopped run over the whole one: "
          f"{', '.join(f'{each:+.1%}' for each in change)}, mean {mean(change):+.1%}")  # fmt: skip


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[2:4] if each.isdigit()]
    main(Path(sys.argv[1]).absolute(), *(numbers + [2000, 3][len(numbers) :]), sys.argv[2 + len(numbers) :])
