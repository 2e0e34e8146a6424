"""Operators of one ordinary iteration: what a GPU would have to launch, however small the networks are.

    PYTHONPATH=src:. python -m benchmarks.operators
    PYTHONPATH=src:. python -m benchmarks.operators --presets sngan,biggan data.image_size=16
    PYTHONPATH=src:. python -m benchmarks.operators --plain dcgan64,sngan32,classifier     beside textbook loops (`plain.py`)

Counted below autograd, views and the backward pass included, in the third iteration, when no lazy penalty is due.
"""

import argparse

from benchmarks.plain import LOOPS
from tests.model.alone import Counted, alone

PRESETS = "rpgan,sngan,biggan,stylegan2,dcgan,wgan_gp,r3gan,flow,classifier"


def operators(preset: str, *overrides: str, batch: int) -> Counted:
    """The counter after the third iteration of `model=preset` on random images of the shape of digits."""
    model, batches = alone(f"model={preset}", "data=digits", *overrides, batch=batch)
    for number in range(2):
        model.training_step(batches[number], number)
    third = batches[2]
    with Counted() as counted:
        model.training_step(third, 2)
    return counted


def textbook(name: str, batch: int) -> Counted:
    """The counter after the second iteration of a textbook loop."""
    iteration = LOOPS[name].make(batch)
    iteration()
    with Counted() as counted:
        iteration()
    return counted


def beside_textbooks(names: list[str], overrides: list[str], batch: int) -> None:
    print("| work | operators: framework / textbook | GFLOP: framework / textbook |\n|---|---|---|")
    for name in names:
        model, batches = alone(*LOOPS[name].overrides, *overrides, batch=batch)
        second = batches[1]
        model.training_step(batches[0], 0)
        with Counted() as ours:
            model.training_step(second, 1)
        plain = textbook(name, batch)
        counts = f"{ours.operators.total()} / {plain.operators.total()}"
        print(f"| {name} | {counts} | {ours.flops / 1e9:.2f} / {plain.flops / 1e9:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--presets", default=PRESETS, help="choices of the group `model`, with commas (default: %(default)s)"
    )
    parser.add_argument("--batch", type=int, default=8, help="images in a chunk; the counts hardly depend on it")
    parser.add_argument("--plain", help=f"instead of presets, with commas: {', '.join(LOOPS)}")
    parser.add_argument("overrides", nargs="*", help="of the configuration; data.image_size=8 where it is not given")
    given = parser.parse_args()
    size = [] if any(item.startswith("data.image_size=") for item in given.overrides) else ["data.image_size=8"]
    if given.plain:
        beside_textbooks(given.plain.split(","), given.overrides, given.batch)
        return
    print("| preset | operators | MFLOP | most frequent |\n|---|---|---|---|")
    for preset in given.presets.split(","):
        counted = operators(preset, *size, *given.overrides, batch=given.batch)
        often = ", ".join(f"{name} {count}" for name, count in counted.operators.most_common(4))
        print(f"| {preset} | {counted.operators.total()} | {counted.flops / 1e6:.1f} | {often} |")


if __name__ == "__main__":
    main()
