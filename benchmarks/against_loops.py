"""Which failure is ours: every preset against a plain loop of its paper (`reference/`), for the same iterations.

    python benchmarks/against_loops.py                                       digits and Fashion-MNIST, 600 iterations
    python benchmarks/against_loops.py --data digits --names dcgan,dragan --iterations 300 --seeds 1,2
    python benchmarks/against_loops.py --data digits --seconds 60            the zoo's cells; a loop for as many iterations

Both sides see the same data and are measured the same way (`class_quality.py`) on 2000 samples of their averaged generators. The
loops are written from the papers without anything of `src/` and with networks as wide as the preset's; they agree with it in
the recipe, not in every layer (one-hot labels, no pixel noise in StyleGAN2, no shared embedding). So figures near each other
are expected, and a preset that fails where its loop does not is a fault of ours. Biggan, contragan, reacgan and stylegan2_ada
have no loop: they are SNGAN's and StyleGAN2's with another head, attention or augmentation.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
import zoo
import zoo_cell
from class_quality import ClassQuality
from reference.loop import train
from reference.recipes import RECIPES

from sparring.config.build import build
from sparring.core.pixels import normalise, to_uint8

HEADER = (
    "| recipe | iterations | FD: loop / preset | accuracy | diversity | ms an iteration |\n|---|---|---|---|---|---|"
)


def loop_row(name: str, data: str, iterations: int, seed: int) -> dict[str, float]:
    """Quality of a plain loop's samples, and its CPU-milliseconds an iteration."""
    config = zoo_cell.compose(f"data={data}", run_dir=Path("unused"))
    quality = ClassQuality(config.data, zoo_cell.LOGS / "cache")
    opened = build(config.data, section="data")
    opened.streams = {}
    opened.setup("fit")
    images = opened.whole("train")
    start = time.process_time()
    generator = train(RECIPES[name], normalise(images.image), images.label, iterations=iterations, seed=seed)
    spent = time.process_time() - start
    label = torch.arange(zoo_cell.SAMPLES) % quality.num_classes
    with torch.no_grad():
        parts = [to_uint8(generator(torch.randn(len(part), RECIPES[name].z), part)) for part in label.split(100)]
    return quality(torch.cat(parts), label) | {"ms": 1000 * spent / iterations}


def preset_row(name: str, data: str, length: str, seed: int) -> dict[str, Any] | None:
    """The zoo's cell of the preset: with seconds the longest finished one of at most so many; trained where there is none."""
    found = zoo.cells_of(data, name, [seed], length) if length.endswith("s") else []
    return found[0][1] if found else zoo.finished_cell(data, name, seed, length, [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits,fashion_mnist")
    parser.add_argument("--names", default=",".join(RECIPES))
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--seconds", type=float, help="CPU-seconds of the zoo's cell, instead of --iterations")
    parser.add_argument("--seeds", default="1")
    given = parser.parse_args()
    torch.set_num_threads(1)
    length = f"{given.iterations}it" if given.seconds is None else f"{given.seconds:g}s"
    for data in given.data.split(","):
        print(f"{data}\n{HEADER}", flush=True)
        for name in given.names.split(","):
            for seed in map(int, given.seeds.split(",")):
                cell = preset_row(name, data, length, seed)
                if cell is None:
                    continue
                loop = loop_row(name, data, cell["iterations"], seed)
                pairs = " | ".join(f"{loop[key]:.2f} / {cell[key]:.2f}" for key in ("fd", "accuracy", "diversity"))
                print(f"| {name} | {cell['iterations']} | {pairs} | {loop['ms']:.0f} / {cell['ms']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
