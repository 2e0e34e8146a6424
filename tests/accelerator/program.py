"""Trains presets and uses their runs on the pretended accelerator: python tests/accelerator/program.py <folder>.

Prints a line of JSON per part: {"part": ..., "error": null or text, "waits": {place: count per iteration}, ...}.
"""

import dataclasses
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import lightning.pytorch as L
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch.utils._pytree import tree_map

import sparring.evaluation.settings as evaluation_settings
import sparring.generation.settings as generation_settings
import sparring.robustness.settings as robustness_settings
import sparring.training.training as training_module
from sparring.model.game import Game
from sparring.run import checkpoint
from sparring.run.directory import RunDir
from sparring.stage import attack, evaluate, generate, train
from sparring.training.parts import TrainingParts
from tests.accelerator.lightning_accelerator import PretendAccelerator
from tests.accelerator.pretended import on_cpu, pretending
from tests.accelerator.waits import waits, watch
from tests.conftest import compose

WATCHED = range(2, 4)  # iterations: ordinary ones, without a log line, validation or save
STEPS = 5
SMALL = [
    "data.image_size=8", "data.batch_size=16", f"trainer.max_steps={STEPS}", f"trainer.val_check_interval={STEPS}",
    f"trainer.log_every_n_steps={STEPS}", "callback.samples.columns=2", "callback.samples.rows=2", "report=false",
]  # fmt: skip


class Watch(L.Callback):
    """Counts the waits of WATCHED iterations, from batch to batch."""

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        assert isinstance(pl_module, Game)
        watch(pl_module.clock.iteration + 1 in WATCHED)


def on_the_device(device: Any) -> Callable[..., L.Trainer]:
    """`build_trainer` with a strategy for the device; it is called in place of the training's own."""
    real = training_module.build_trainer

    def build(parts: TrainingParts, *args: Any) -> L.Trainer:
        def make(**settings: Any) -> L.Trainer:
            strategy = SingleDeviceStrategy(device=device, accelerator=PretendAccelerator())
            settings["callbacks"] = [Watch(), *settings["callbacks"]]
            return parts.make_trainer(**settings | {"strategy": strategy, "accelerator": "auto"})

        return real(dataclasses.replace(parts, make_trainer=make), *args)

    return build


def put_in_place(device: Any) -> None:
    """The device where trainings and stages choose theirs; what is saved is copied to the CPU first, as for a GPU."""
    training_module.build_trainer = on_the_device(device)
    for settings in (generation_settings, evaluation_settings, robustness_settings):
        settings.device_named = lambda _: device
    write = checkpoint._write
    checkpoint._write = lambda state, *rest: write(tree_map(on_cpu, state), *rest)


def reported(part: str, work: Callable[[], dict[str, Any]]) -> None:
    waits.clear()
    line: dict[str, Any] = {"part": part, "error": None}
    try:
        line |= work()
    except Exception as error:
        traceback.print_exc()
        line["error"] = f"{type(error).__name__}: {error}"
    watch(False)
    line["waits"] = {place: count / len(WATCHED) for place, count in waits.items()}
    print(json.dumps(line), flush=True)


def trained(folder: Path, name: str, *overrides: str) -> dict[str, Any]:
    run = folder / name
    config = compose(*SMALL, f"paths.cache_dir={folder / 'cache'}", *overrides, run_dir=run)
    train.train(config, run)
    result = RunDir.open(run).result()
    return {"cpu_seconds": result["cost"]["cpu_seconds"]}


def used(folder: Path, verb: str, call: Callable[..., Any], name: str, *overrides: str) -> dict[str, Any]:
    run = folder / name
    config = compose(f"paths.cache_dir={folder / 'cache'}", *overrides, config=verb, run_dir=run)
    call(config, run)
    return {}


def main(folder: Path, presets: list[str]) -> None:
    narrow = ["model.generator.width=4", "model.discriminator.width=4"]
    special = {
        "classifier": ["model.backbone.width=4"],
        "advgan": [f"model.target={folder / 'classifier'}", "model.epsilon=0.2", "model.distill=dynamic"],
        "flow": ["model.velocity.width=8"],
        "ssgan": ["data.labels_per_class=10", "model.generator.width=4"],
    }
    with pretending() as device:
        put_in_place(device)
        for preset in presets:
            chosen = [f"model={preset}", *special.get(preset, narrow)]
            reported(preset, lambda preset=preset, chosen=chosen: trained(folder, preset, *chosen))
        storage = ["model=rpgan", *narrow, "data.storage=device", "data.crop=1", "data.flip=true"]
        reported("storage", lambda: trained(folder, "storage", *storage))
        run, victim = f"run={folder / 'rpgan'}", f"run={folder / 'classifier'}"
        for sampling in ("plain", "rejection", "langevin"):
            given = [run, "count=4", f"sampling={sampling}"]
            reported(
                f"generate {sampling}", lambda g=given, s=sampling: used(folder, "generate", generate.generate, s, *g)
            )
        given = [run, "count=40", "metric/features=pixels", "report=false"]
        reported("evaluate", lambda: used(folder, "evaluate", evaluate.evaluate, "evaluated", *given))
        for name in ("noise", "fgsm", "pgd", "apgd", "fab", "square"):
            given = [victim, f"attack={name}", "epsilon=0.2", "count=4"]
            reported(f"attack {name}", lambda g=given, n=name: used(folder, "attack", attack.attack, n, *g))
        given = [victim, "attack=advgan", f"attack.run={folder / 'advgan'}", "epsilon=0.2", "count=4"]
        reported("attack advgan", lambda: used(folder, "attack", attack.attack, "attacked", *given))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
