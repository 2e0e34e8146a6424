"""What an iteration pays for being safe: seeded draws, the average, the meter, the check for NaN and callback/guard.

    PYTHONPATH=src:. python -m benchmarks.safety
    PYTHONPATH=src:. python -m benchmarks.safety --presets dcgan,sngan data.batch_size=16

Each is timed by itself on the preset's networks at its batch size: one thread, CPU time, the median of blocks, beside the median
step. Draws count against the same numbers from the global generator. The guard's is the mean over 250 iterations with its checks,
their rows in metrics.csv and a look at samples; what it costs in whole runs: `benchmarks/guard.py`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tests.conftest import compose
from tests.model.alone import alone

from sparring.callback.guard import Guard
from sparring.core.types import Batch
from sparring.logger.csv import CSVLogger
from sparring.model.image_game import ImageGame

BLOCKS, REPEATS = 7, 50


def microseconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """CPU time of one call."""
    times = []
    for _ in range(BLOCKS):
        start = time.process_time()
        for _ in range(repeats):
            work()
        times.append((time.process_time() - start) / repeats)
    return 1e6 * statistics.median(times)


def guarding(model: ImageGame, shape: tuple[int, ...]) -> float:
    """Microseconds an iteration of callback/guard as it is configured, over as many iterations as lie between two looks.

    shape: (C, H, W) of an image.
    """
    settings = dict(compose("callback=[default,guard]").callback.guard)
    settings |= {"on_trouble": "warn", "lost_checks": None}  # an untrained D has not lost
    guard = Guard(**{name: value for name, value in settings.items() if name != "_target_"})

    def real_examples(per_class: int) -> Batch:
        label = torch.arange(model.num_classes).repeat_interleave(per_class)
        return Batch(torch.randint(256, (len(label), *shape), dtype=torch.uint8), label)

    with tempfile.TemporaryDirectory() as folder:
        trainer: Any = SimpleNamespace(
            callbacks=[], loggers=[CSVLogger(path=Path(folder) / "metrics.csv")], is_global_zero=True, should_stop=False,
            max_steps=10**9, datamodule=SimpleNamespace(real_examples=real_examples),
            strategy=SimpleNamespace(broadcast=lambda value: value),
        )  # fmt: skip
        guard.on_train_start(trainer, model)

        def watched() -> None:
            for _ in range(guard.look_every or 1):
                model.clock.iteration += 1
                guard.on_train_batch_end(trainer, model, None, None, 0)

        return microseconds(watched, 1) / (guard.look_every or 1)


def costs(overrides: list[str]) -> dict[str, float]:
    """Microseconds an iteration, of the whole step and of each feature."""
    batch = compose(*overrides).data.batch_size
    model, batches = alone(*overrides, batch=batch)
    assert isinstance(model, ImageGame)
    chunk = batches[0]
    model.training_step(chunk, 0)
    steps = sum(model.streams.values()) + 1
    step = microseconds(lambda: model.training_step(chunk, 0), 3)

    def seeded() -> None:
        model.draws("discriminator", 7).normal("latent", model.latent_dim)
        torch.multinomial(model.class_prior, batch, replacement=True, generator=model.random("label", 7))

    def loose() -> None:
        torch.randn(batch, model.latent_dim)
        torch.multinomial(model.class_prior, batch, replacement=True)

    values = {f"value {number}": torch.zeros(()) for number in range(5)}

    def noted() -> None:
        model.note(values)
        if len(model.meter._values["value 0"]) == 25:
            model.meter.means()
            model.meter.clear()

    guard = guarding(model, chunk["discriminator"][0].image.shape[1:])
    model.meter.clear()
    return {
        "step": step,
        "seeded draws": steps * (microseconds(seeded) - microseconds(loose)),
        "average": microseconds(lambda: model.update_average(batch)),
        "meter": microseconds(noted),
        "check for NaN": microseconds(lambda: bool(torch.stack(list(values.values())).isfinite().all())),
        "guard": guard,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", default="rpgan,dcgan,sngan")
    parser.add_argument("overrides", nargs="*")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| preset | step, ms | seeded draws | average | meter | check for NaN | guard |\n|---|---|---|---|---|---|---|"
    )
    for preset in given.presets.split(","):
        found = costs([f"model={preset}", *given.overrides])
        step = found.pop("step")
        cells = " | ".join(f"{value / 1000:.2f} ms ({100 * value / step:.1f} %)" for value in found.values())
        print(f"| {preset} | {step / 1000:.0f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
