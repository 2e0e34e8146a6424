"""How fast the playground answers: from the start of the page to its first answer, and one move of a slider through its API.

    python benchmarks/play.py run=logs/train/<GAN's run> classifier=<classifier's run> device=cpu

What is timed is the whole way of a move: HTTP, 16 images, the classifier's bars, the pictures as PNG, and back. Needs the extra
`play`; what it printed stands in docs/play.md.
"""

import json
import statistics
import sys
import time
import urllib.request
from dataclasses import replace

from sparring.api.compose import compose
from sparring.play.page.app import build, launched
from sparring.play.settings import PlaySettings
from sparring.play.studio import Studio
from sparring.play.training import Trainings
from sparring.trained.runs import Runs

MOVES = 60


def answered(address: str, values: list[object]) -> float:
    """Seconds of one move of a slider."""
    started = time.perf_counter()
    body = json.dumps({"data": values}).encode()
    request = urllib.request.Request(f"{address}gradio_api/run/draw", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        data = json.load(answer)["data"]
    assert data[0] == "", data[0]  # the message of an error
    assert "<img" in data[1]
    return time.perf_counter() - started


def main() -> None:
    """Print start-up and latency."""
    config = compose("play", [*sys.argv[1:], "open_browser=false", "port=0"])
    started, used = time.perf_counter(), time.process_time()
    settings, runs = PlaySettings.of(config), Runs.of(config)
    studio = Studio(settings, runs)
    page = build(studio, Trainings(settings.log_dir, settings.cache_dir))
    address = launched(page, replace(settings, port=0))
    with urllib.request.urlopen(address) as answer:
        answer.read()
    cpu = time.process_time() - used
    print(f"up after {time.perf_counter() - started:.1f} s ({cpu:.1f} s of CPU), imports not counted")
    run, classifier = (str(runs.find(each)) if each else "" for each in (settings.run, settings.classifier))
    label = 0 if studio.gan(settings.run, settings.classifier).class_names else None
    used = time.process_time()
    seconds = [
        answered(address, [run, classifier, label, 0, 3.0, 1, 0.3, "sefa", move / 20, 0, 0, 0, 0])
        for move in range(MOVES)
    ][5:]
    cpu = 1000 * (time.process_time() - used) / MOVES
    ordered = sorted(1000 * each for each in seconds)
    print(
        f"a slider: median {statistics.median(ordered):.0f} ms, nine in ten within {ordered[int(0.9 * len(ordered))]:.0f} ms, "
        f"{cpu:.0f} ms of CPU"
    )
    page.close(verbose=False)


if __name__ == "__main__":
    main()
