"""How soon callback/guard catches trainings that were made to go wrong, whether it leaves healthy ones alone, what it costs.

    python benchmarks/guard.py <folder for the runs> [seeds 20] [presets rpgan,dcgan] [overrides]
    python benchmarks/guard.py <folder for the runs> 20 all --no-cost     all presets, without the second runs that costs are from

Digits at 8 pixels, 300 iterations, one run per seed. Made to go wrong, with the default recipe: the discriminator does not learn
(its rate is 0), both learning rates are 100 times as large, the generator is not shown the class. Healthy: each preset with
its own settings (lsgan and projgan for 600 iterations, as they show classes late), and once more without the guard. The cost is
what the healthy runs spend more of CPU time within the hooks of guard and collapse, which share their looks at samples, over
that of the trainings.

What each run came to is kept in guard.json of the folder: the same call again goes on after the last run that ended. Give another
folder after a change of the code, and to each of two calls at the same time.
"""

import argparse
import contextlib
import json
import shutil
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

ROOT = Path(__file__).resolve().parent.parent
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
NEEDS = {  # of presets that do not train with their defaults alone
    "ssgan": ["data.labels_per_class=10"],
    "advgan": ["model.target={target}"],
    "lsgan": [f"trainer.max_steps={2 * ITERATIONS}"],  # at 250 of 300 its classes are found ignored in 4 of 5 seeds
    "projgan": [f"trainer.max_steps={2 * ITERATIONS}"],  # in 2 of 20
}
Run = dict[str, Any]  # decisions; seconds, of CPU; hooks, what of them guard and collapse took


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


def guarded(folder: Path, seed: int, *overrides: str, guard: bool = True) -> Run:
    """What one run came to; decisions that only warn of remembered images are left out."""
    shutil.rmtree(folder, ignore_errors=True)
    watched = "callback=[default,guard]" if guard else "callback=default"
    config = compose("train", [*COMMON, watched, f"paths.run_dir={folder}", f"seed={seed}", *overrides])
    spent = [0.0]
    try:
        with timed(spent):
            result = train(config, folder, hints=False)
    except DivergedError as error:  # a value that is not finite ends the run without a result
        clock = (RunDir.open(folder).status() or {}).get("clock") or {}
        why = {"kind": "not finite", "iteration": clock.get("iteration", 0), "why": str(error)}
        return {"decisions": [why], "seconds": 0.0, "hooks": 0.0}
    found = [each for each in result["decisions"] if each["kind"] != "training images remembered"]
    return {"decisions": found, "seconds": float(result["cost"]["cpu_seconds"]), "hooks": spent[0]}


class Runs:
    """Runs of one call, and of those before it in the same folder."""

    def __init__(self, folder: Path, seeds: int, overrides: Sequence[str]) -> None:
        self.folder, self.seeds, self.overrides, self.file = folder, seeds, overrides, folder / "guard.json"
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, name: str, *changed: str, guard: bool = True) -> list[Run]:
        """One of each seed."""
        return [
            self._one(f"{name}{'' if guard else ', no guard'}", seed, changed, guard)
            for seed in range(1, self.seeds + 1)
        ]

    def target(self) -> Path:
        """A classifier, for those who attack one."""
        folder = self.folder / "target"
        if not (folder / "result.json").exists():
            guarded(folder, 1, "model=classifier", guard=False)
        return folder

    def _one(self, name: str, seed: int, changed: Sequence[str], guard: bool) -> Run:
        key = " ".join([name, f"seed {seed}", *changed, *self.overrides])
        if key not in (kept := self._kept()):
            kept[key] = guarded(self.folder / "run", seed, *changed, *self.overrides, guard=guard)
            part = self.file.with_suffix(".part")
            part.write_text(json.dumps(kept, indent=1), "utf-8")
            part.replace(self.file)
        return kept[key]

    def _kept(self) -> dict[str, Run]:
        return json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}  # type: ignore[no-any-return]


def row(name: str, runs: Sequence[Run]) -> str:
    """Of the table: how many runs were caught, at which iteration, as what."""
    firsts = [each["decisions"][0] for each in runs if each["decisions"]]
    at = sorted(each["iteration"] for each in firsts)
    when = f"{at[0]}, {median(at):g}, {at[-1]}" if at else "–"
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(each["kind"] for each in firsts).most_common())
    return f"| {name} | {len(firsts)} of {len(runs)} | {when} | {kinds or '–'} |"


def everything() -> list[str]:
    """Names of the presets, those of conf/model."""
    return sorted(file.stem for file in (ROOT / "conf/model").glob("*.yaml") if not file.stem.startswith("_"))


def main(runs: Runs, presets: Sequence[str], *, cost: bool) -> None:
    print("| training | raised in | first at iteration: smallest, median, largest | as |\n|---|---|---|---|")
    for name, changed in WRONG.items():
        with unlabelled() if name == "labels dropped" else contextlib.nullcontext():
            print(row(name, runs.of(name, *changed)), flush=True)
    more = whole = 0.0
    for preset in presets:
        needs = [each.format(target=runs.target()) if "{" in each else each for each in NEEDS.get(preset, [])]
        healthy = runs.of("healthy", f"model={preset}", *needs)
        print(row(f"healthy: {preset}", healthy), flush=True)
        if cost:
            without = runs.of("healthy", f"model={preset}", *needs, guard=False)
            more += sum(each["hooks"] for each in healthy) - sum(each["hooks"] for each in without)
            whole += sum(each["seconds"] for each in healthy)
    if cost:
        share = f"{100 * more / whole:.2f} % of {whole:.0f} s of training" if whole else "not measured"
        print(f"\nThe guard of the healthy runs took {more:.2f} CPU s, {share}.")


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*", help="seeds, presets, overrides of all runs")
    parser.add_argument("--no-cost", action="store_true", help="do not run the healthy ones again without the guard")
    given = parser.parse_intermixed_args()
    words = [each for each in given.words if "=" not in each]
    names = words[1] if len(words) > 1 else "rpgan,dcgan"
    main(
        Runs(given.folder.resolve(), int(words[0]) if words else 20, [each for each in given.words if "=" in each]),
        everything() if names == "all" else names.split(","), cost=not given.no_cost,
    )  # fmt: skip
