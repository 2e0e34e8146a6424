"""The harness of `gpu.py`: trainings and stages in this process, a row for each, within a number of seconds."""

import json
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from sparring.config.compose import compose
from sparring.run.directory import RunDir
from sparring.stage import attack, evaluate, generate, train

SMALL = [
    "data.image_size=16",
    "data.batch_size=32",
    "callback.samples.columns=2",
    "callback.samples.rows=2",
    "report=false",
]
NARROW = ["model.generator.width=8", "model.discriminator.width=8"]


class Check:
    """Rows of what was tried, in a folder, within a number of seconds."""

    def __init__(self, out: Path, runs: Path, *, presets: list[str], cpu: bool, seconds: float) -> None:
        self.presets = presets
        self.out, self.runs, self.cpu, self.seconds = out, runs, cpu, seconds
        self.device = torch.device("cpu" if cpu else "cuda")
        self.steps = 3 if cpu else 20
        self.rows: list[dict[str, Any]] = []
        self.laps: dict[str, dict[str, float]] = {}
        self.start = time.monotonic()

    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.start)

    def tried(self, part: str, what: str, work: Callable[[], str]) -> None:
        """Print and keep what `work` says, or why it failed."""
        state, said, began = "skipped", "no time left", time.monotonic()
        if self.left() > 5:
            try:
                state, said = "ok", work()
            except Exception as error:
                state, said = "FAILED", f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
                with (self.out / "gpu.log").open("a") as log:
                    traceback.print_exc(file=log)
        row = {"part": part, "what": what, "state": state, "said": said, "seconds": round(time.monotonic() - began, 1)}
        self.rows.append(row)
        print(f"{part:10} {what:34} {state:7} {row['seconds']:6.1f} s  {said}", flush=True)
        (self.out / "gpu.json").write_text(json.dumps({"rows": self.rows, "milliseconds": self.laps}, indent=1))

    def compose(self, verb: str, run: Path, *overrides: str) -> Any:
        places = [
            f"paths.log_dir={self.runs}",
            f"paths.run_dir={run}",
            f"paths.cache_dir={self.runs / 'cache'}",
            "name=check",
        ]
        return compose(verb, [*places, *overrides])

    def train(self, name: str, *overrides: str) -> dict[str, Any]:
        run = self.runs / name
        accelerator = f"trainer.accelerator={'cpu' if self.cpu else 'gpu'}"
        settings = [
            accelerator,
            "logger=[csv]",
            f"trainer.max_steps={self.steps}",
            f"trainer.val_check_interval={self.steps}",
        ]
        return train.train(self.compose("train", run, *SMALL, *settings, *overrides), run, hints=False)

    def use(self, verb: str, name: str, *overrides: str) -> dict[str, Any]:
        run = self.runs / name
        config = self.compose(verb, run, f"device={self.device.type}", *overrides)
        stage: Any = {"generate": generate.generate, "evaluate": evaluate.evaluate, "attack": attack.attack}[verb]
        result: dict[str, Any] = stage(config, run)
        return result


def weights(check: Check, name: str) -> Mapping[str, torch.Tensor]:
    return RunDir.open(check.runs / name).load_weights()


def difference(ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]) -> float:
    """Relative, over all weights."""
    pairs = [(ours[name].double(), other.double()) for name, other in theirs.items()]
    return float((sum((a - b).square().sum() for a, b in pairs) / sum(b.square().sum() for _, b in pairs)) ** 0.5)
