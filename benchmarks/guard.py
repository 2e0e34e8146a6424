"""How soon callback/guard catches trainings that were made to go wrong, whether it leaves healthy ones alone, what it costs.

    python benchmarks/guard.py <folder for the runs> [seeds 20] [presets rpgan,dcgan] [overrides]

Digits at 8 pixels, 300 iterations, one run per seed. Made to go wrong, with the default recipe: the discriminator does not learn
(its rate is 0), both learning rates are 100 times as large, the generator is not shown the class. Healthy: each preset with
its own settings, and once more without the guard. The cost is what the healthy runs spend more of CPU time within the hooks of
guard and collapse, which share their looks at samples, over that of the trainings.
"""

import contextlib
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch

from sparring.callback.collapse import Collapse
from sparring.callback.guard import Guard
from sparring.config.compose import compose
from sparring.core.errors import DivergedError
from sparring.model.conditioning import concat
from sparring.run.directory import RunDir
from sparring.stage.train import train

ITERATIONS = 300
COMMON = (
    "data=digits", "data.image_size=8", "report=false", "trainer.accelerator=cpu",
    "callback.samples.first=1000000", "name=guarded", f"trainer.max_steps={ITERATIONS}",
)  # fmt: skip
HOOKS = [(Guard, name) for name in ("on_train_start", "on_train_batch_end", "on_validation_end")]
HOOKS.append((Collapse, "on_train_batch_end"))
RATES = ("model.generator_optimizer.lr", "model.discriminator_optimizer.lr")
WRONG = {
    "discriminator switched off": [f"{RATES[1]}=0"],
    "rates x 100": [f"{key}=0.2" for key in RATES],
    "labels dropped": [],
}
Decisions = list[dict[str, Any]]


@contextlib.contextmanager
def unlabelled() -> Iterator[None]:
    """Generators built from model/conditioning=concat see class 0 for every image."""
    with contextlib.ExitStack() as patches:
        for kind in (concat._OneHot, concat._Embedded):
            whole = kind.forward

            def blind(self: Any, latent: torch.Tensor, label: torch.Tensor, whole: Any = whole) -> torch.Tensor:
                return whole(self, latent, torch.zeros_like(label))  # type: ignore[no-any-return]

            patches.enter_context(patch.object(kind, "forward", blind))
        yield


@contextlib.contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    """Adds the CPU seconds within the hooks of guard and collapse to `spent[0]`."""

    def clocked(hook: Callable[..., None]) -> Callable[..., None]:
        def call(*args: Any, **kwargs: Any) -> None:
            started = time.process_time()
            hook(*args, **kwargs)
            spent[0] += time.process_time() - started

        return call

    with contextlib.ExitStack() as patches:
        for callback, name in HOOKS:
            patches.enter_context(patch.object(callback, name, clocked(getattr(callback, name))))
        yield


def guarded(folder: Path, seed: int, *overrides: str, guard: bool = True) -> tuple[Decisions, float]:
    """(decisions of one run, those that only warn of remembered images left out; its CPU seconds of training)."""
    shutil.rmtree(folder, ignore_errors=True)
    watched = "callback=[default,guard]" if guard else "callback=default"
    config = compose("train", [*COMMON, watched, f"paths.run_dir={folder}", f"seed={seed}", *overrides])
    try:
        result = train(config, folder, hints=False)
    except DivergedError as error:  # a value that is not finite ends the run without a result
        clock = (RunDir.open(folder).status() or {}).get("clock") or {}
        return [{"kind": "not finite", "iteration": clock.get("iteration", 0), "why": str(error)}], 0.0
    found = [each for each in result["decisions"] if each["kind"] != "training images remembered"]
    return found, float(result["cost"]["cpu_seconds"])


def row(name: str, runs: Sequence[Decisions]) -> str:
    """Of the table: how many runs were caught, at which iteration, as what."""
    firsts = [each[0] for each in runs if each]
    at = sorted(each["iteration"] for each in firsts)
    when = f"{at[0]}, {median(at):g}, {at[-1]}" if at else "–"
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(each["kind"] for each in firsts).most_common())
    return f"| {name} | {len(firsts)} of {len(runs)} | {when} | {kinds or '–'} |"


def main(folder: Path, seeds: int, presets: Sequence[str], overrides: Sequence[str]) -> None:
    print("| training | raised in | first at iteration: smallest, median, largest | as |\n|---|---|---|---|")
    for name, changed in WRONG.items():
        with unlabelled() if name == "labels dropped" else contextlib.nullcontext():
            runs = [guarded(folder / "run", seed, *changed, *overrides)[0] for seed in range(1, seeds + 1)]
        print(row(name, runs), flush=True)
    spent, without, whole = [0.0], [0.0], 0.0
    for preset in presets:
        healthy = []
        for seed in range(1, seeds + 1):
            with timed(spent):
                healthy.append(guarded(folder / "run", seed, f"model={preset}", *overrides))
            with timed(without):
                guarded(folder / "run", seed, f"model={preset}", *overrides, guard=False)
        whole += sum(seconds for _, seconds in healthy)
        print(row(f"healthy: {preset}", [each for each, _ in healthy]), flush=True)
    more = spent[0] - without[0]
    share = f"{100 * more / whole:.2f} % of {whole:.0f} s of training" if whole else "not measured"
    print(f"\nThe guard of the healthy runs took {more:.2f} CPU s, {share}.")


if __name__ == "__main__":
    torch.set_num_threads(1)
    place, *rest = sys.argv[1:]
    words = [each for each in rest if "=" not in each]
    main(
        Path(place), int(words[0]) if words else 20, words[1].split(",") if len(words) > 1 else ["rpgan", "dcgan"],
        [each for each in rest if "=" in each],
    )  # fmt: skip
