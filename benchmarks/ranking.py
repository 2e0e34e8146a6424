"""Do the metrics rank as they must: real (val) before a trained GAN before a half-trained one before noise?

    python benchmarks/ranking.py 1600 data=digits
    python benchmarks/ranking.py 1600 data=fashion_mnist data.path=/usr/share/datasets/fashion-mnist

One run of `train.py` (default recipe, the overrides given) is halted at an eighth and at half of its iterations and resumed. Each
state is measured on as many samples as there are val images (2,000 at most), all against the test split, on the features of the
data's reference classifier; mean and standard deviation over 3 independent sets of samples. Real images are the val split,
noise is uniform bytes. AuthPct and the distance ratio are diagnostics without a better end: their order is not checked.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from omegaconf import DictConfig

from sparring.config.build import build
from sparring.core.randomness import generator
from sparring.core.types import Batch
from sparring.evaluation.features import RealFeatures
from sparring.evaluation.reference import attach_network
from sparring.generation.sampler import Sampler, joined
from sparring.metric.features.classifier import ClassifierFeatures
from sparring.metric.suite import METRICS, measure
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs

ROOT = Path(__file__).resolve().parent.parent
PARTS = {"early": 8, "half": 2, "trained": 1}  # whole budget over the iterations of each state
MAX_COUNT, SETS, K = 2000, 3, 5
ORDER = ("real", "trained", "half", "early", "noise")


def states(folder: Path, steps: int, overrides: Sequence[str]) -> Iterator[tuple[str, RunDir]]:
    """The run after each part of its budget."""
    given = [f"hydra.run.dir={folder}", *overrides, "report=false", "callback.samples.first=1000000"]
    for name, parts in PARTS.items():
        budget = f"trainer.max_steps={steps // parts}"
        subprocess.run([sys.executable, str(ROOT / "train.py"), *given, budget], check=True, capture_output=True)
        yield name, RunDir.open(folder)
        given = [f"resume={folder}"]


def drawn(run: RunDir, count: int, seed: int) -> Batch:
    """`count` images of the run's averaged generator, classes in turn."""
    trained = Runs().generator(run)
    sampler = Sampler(
        trained.network, latent_dim=trained.latent_dim, num_classes=trained.num_classes, count=count, seed=seed
    )
    samples = joined(sampler)
    return Batch(samples.image, samples.label)


def real_features(config: DictConfig) -> RealFeatures:
    """The run's data with the features of its reference classifier."""
    data = build(config.data, section="data")
    data.setup("fit")
    features = ClassifierFeatures(run=None, batch_size=512)
    attach_network(features, data=config.data, cache_dir=Path(config.paths.cache_dir), log_dir=ROOT / "logs")
    return RealFeatures(data, features, Path(config.paths.cache_dir))


def noise(like: Batch, seed: int) -> Batch:
    draws = generator("ranking noise", seed)
    return Batch(torch.randint(0, 256, like.image.shape, generator=draws).to(torch.uint8), like.label)


def values(real: RealFeatures, batches: Sequence[Batch], names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """(mean, standard deviation) of each metric over sets of images; NaN where it has no value."""
    reference = real.reference("test", names)
    sets = [measure(real.of(batch), reference, names=names, k=K) for batch in batches]
    table = {name: [float("nan") if each[name].value is None else each[name].value for each in sets] for name in names}
    return {name: (mean(row), stdev(row) if len(row) > 1 else 0.0) for name, row in table.items()}  # type: ignore[type-var]


def verdict(name: str, table: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Whether the metric puts all neighbours in ORDER in order, else which ones it does not."""
    if METRICS[name].higher_is_better is None:
        return "diagnostic"
    sign = -1 if METRICS[name].higher_is_better else 1
    better = {who: sign * table[who][name][0] for who in ORDER}
    pairs = list(pairwise(ORDER))
    wrong = [f"{a} / {b}" for a, b in pairs if not better[a] <= better[b]]
    equal = [f"{a} = {b}" for a, b in pairs if better[a] == better[b]]
    return "; ".join(["no: " + ", ".join(wrong) if wrong else "tie" if equal else "yes", *equal])


def show(table: Mapping[str, Mapping[str, tuple[float, float]]], names: Sequence[str]) -> None:
    print("| metric | " + " | ".join(ORDER) + " | in order |")
    print("|---" * (len(ORDER) + 2) + "|")
    for name in names:
        cells = [f"{table[who][name][0]:.4g} ± {table[who][name][1]:.1g}" for who in ORDER]
        cells[0] = f"{table['real'][name][0]:.4g}"
        print(f"| {name} | " + " | ".join(cells) + f" | {verdict(name, table)} |")


def main(steps: int, overrides: Sequence[str]) -> None:
    torch.set_num_threads(1)
    names = list(METRICS)
    table: dict[str, Mapping[str, tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        real: Any = None
        for name, run in states(Path(folder) / "run", steps, overrides):
            real = real or real_features(run.config)
            val = real.data.whole("val")
            count = min(MAX_COUNT, len(val.label))
            table[name] = values(real, [drawn(run, count, seed) for seed in range(SETS)], names)
        images = Batch(val.image[:count], val.label[:count])
        table["real"] = values(real, [images], names)
        table["noise"] = values(real, [noise(images, seed) for seed in range(SETS)], names)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{' '.join(overrides)}: {steps} iterations, {count} images each, {used.ru_utime + used.ru_stime:.0f} CPU s of training"
        " (the reference classifier's included where it was not cached)\n"
    )
    show(table, names)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
