"""What the metrics cost, on one core: `python benchmarks/metrics.py`.

CPU seconds (not wall time, so a busy neighbour does not count) of each metric at its usual size, the Frechet trace paired
with scipy's matrix square root on the same covariances, and the peak memory of each measure in a process of its own.
Features are correlated noise, images are noise: the cost does not depend on what they show.

    python benchmarks/metrics.py [--only frechet kid prdc memorisation classifier lite0] [--count 10000]
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from sparring.core.randomness import generator
from sparring.metric.features.classifier import ClassifierFeatures
from sparring.metric.features.lite0 import Lite0
from sparring.metric.frechet import trace_of_root
from sparring.metric.kernel import kid
from sparring.metric.memorisation import authentic_percent
from sparring.metric.moments import Moments
from sparring.metric.prdc import prdc

# measure: (what it is, what it must stay below in CPU seconds or None)
MEASURES: dict[str, tuple[str, float | None]] = {
    "frechet": ("Frechet trace term, 2048-d", 4.0),
    "moments": ("moments of the fakes, 2048-d", None),
    "kid": ("exact KID, all pairs, 128-d", None),
    "kid_2048": ("exact KID, all pairs, 2048-d", None),
    "prdc": ("PRDC, k = 5, 128-d", None),
    "prdc_1280": ("PRDC, k = 5, 1280-d", None),
    "memorisation": ("AuthPct, 128-d", None),
    "classifier": ("classifier features, 32x32x3", 30.0),
    "lite0": ("lite0 features, resized from 32 to 128", 240.0),
}


def features(name: str, count: int, dim: int) -> Tensor:
    """(count, dim) float32 with decaying, mixed directions, as feature covariances have."""
    random = generator("benchmark", name)
    scale = torch.arange(1, dim + 1).pow(-0.5)
    mix = torch.linalg.qr(torch.randn(dim, dim, generator=generator("benchmark mix", dim))).Q
    return (torch.randn(count, dim, generator=random) * scale) @ mix


def images(count: int) -> Tensor:
    return torch.randint(0, 256, (count, 3, 32, 32), generator=generator("benchmark images"), dtype=torch.uint8)


def classifier() -> ClassifierFeatures:
    """The backbone of the reference classifier as `experiment=reference_classifier` chooses it, untrained."""
    from pathlib import Path

    from hydra import compose, initialize_config_dir

    from sparring.config.build import build

    conf = Path(__file__).resolve().parents[1] / "conf"
    places = [f"paths.root_dir={conf.parent}", "paths.cache_dir=unused", "paths.log_dir=unused", "paths.run_dir=unused"]
    with initialize_config_dir(str(conf), version_base=None):
        overrides = ["experiment=reference_classifier", "data=cifar10", "name=benchmark", *places]
        config = compose("train", overrides)
    extractor = ClassifierFeatures(run=None, batch_size=512)
    network = build(config.model.backbone, section="model")
    extractor.attach(network, channels=3, image_size=32, weights="untrained")
    return extractor


def work(measure: str, count: int) -> tuple[Callable[[], Any], Callable[[], Any] | None]:
    """(what is timed, with its inputs ready; what it is paired with, or None)."""
    if measure in ("classifier", "lite0"):
        extractor = classifier() if measure == "classifier" else Lite0(image_size=128, batch_size=64)
        extractor(images(4))
        pictures = images(count)
        return lambda: extractor(pictures), None
    dim = 2048 if measure in ("frechet", "moments", "kid_2048") else 1280 if measure == "prdc_1280" else 128
    fake, real = features("fake", count, dim), features("real", count, dim)
    if measure == "frechet":
        from scipy.linalg import sqrtm

        a, b = Moments.of(fake), Moments.of(real)
        product = (a.covariance @ b.covariance).numpy()
        first, second = a.covariance, b.covariance
        return lambda: trace_of_root(first, second)[0], lambda: float(sqrtm(product).trace().real)
    functions: dict[str, Callable[[], Any]] = {
        "moments": lambda: Moments.of(fake),
        "kid": lambda: kid(fake, real),
        "prdc": lambda: prdc(fake, real),
        "memorisation": lambda: authentic_percent(fake, real),
    }
    return functions[measure.partition("_")[0]], None


def cpu_seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def child(measure: str, count: int) -> None:
    torch.set_num_threads(1)
    ours, theirs = work(measure, count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds, result = cpu_seconds(ours)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    paired = None
    if theirs is not None:
        paired, root = cpu_seconds(theirs)
        assert abs(root / result - 1) < 1e-6, (root, result)
    print(json.dumps({"seconds": seconds, "paired": paired, "peak": peak, "before": before}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    parser.add_argument("--count", type=int, default=10_000)
    given = parser.parse_args()
    table = Table("measure", "CPU s", "must be", "peak MB", title=f"{given.count} images a side, one core")
    for measure in given.only:
        command = [sys.executable, __file__, "--child", measure, str(given.count)]
        cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        text, limit = MEASURES[measure]
        if cost["paired"] is not None:
            text += f" (scipy sqrtm: {cost['paired']:.1f} s, ratio {cost['seconds'] / cost['paired']:.2f})"
        table.add_row(text, f"{cost['seconds']:.1f}", f"< {limit:.0f}" if limit else "", f"{cost['peak']:.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main()
