"""What the program around the trainings costs: `resume=auto`, and the driver of a study, per cell.

    python benchmarks/driver.py [--runs 50] [--cells 40]

`resume=auto` is timed where `logs/` holds as many unfinished runs of other settings; the driver by planning the demo as
`study.py` does it, and with cells that take no time, run by the engine in this process. CPU seconds.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kills import Silent

from sparring.cli.auto import expand_auto
from sparring.config.build import build
from sparring.config.compose import compose, register_resolvers
from sparring.config.plain import plain
from sparring.core.package import CONFIG_DIR
from sparring.executor.inline import Inline
from sparring.run.directory import RunDir
from sparring.run.settings import write_settings
from sparring.study.engine.cell import Cell
from sparring.study.engine.compose import composing
from sparring.study.engine.context import StudyContext
from sparring.study.engine.plan import Planned, plan
from sparring.study.engine.run import run


def seconds(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def resume_auto(folder: Path, runs: int) -> float:
    """CPU seconds that `resume=auto` adds beside `runs` unfinished runs, none of which is the one."""
    settings = plain(compose("train", ["model=dcgan", "data=digits"]))
    for number in range(runs):
        place = folder / "train" / f"2026-01-01_00-00-{number:02}"
        (place / "checkpoints").mkdir(parents=True)
        (place / "checkpoints" / "last.ckpt").touch()
        (place / "status.json").write_text(json.dumps({"state": "interrupted"}), "utf-8")
        write_settings(place, {**settings, "seed": number + 2})
    typed = ["model=dcgan", "data=digits", "resume=auto"]
    return seconds(lambda: expand_auto("train", typed, log_dir=folder, config_dir=CONFIG_DIR))


def nothing(verb: str, config: Any, folder: Path) -> None:
    """A stage that takes no time."""
    with RunDir.create(folder) as place:
        place.write_result({"value": 1})


def engine(folder: Path, cells: int) -> float:
    """CPU seconds of the engine for one cell."""
    planned = [Planned(Cell(f"c{i}", "toy", (), {}), {}, (), f"key{i}", folder / f"c{i}") for i in range(cells)]
    settings: dict[str, Any] = {"call": nothing, "retry": False, "workers": 1, "archive": folder / "archive"}
    return seconds(lambda: run(planned, Inline(threads=1), Silent(), **settings)) / cells


def planned() -> float:
    """CPU seconds of planning one cell of the demo, as `study.py` plans it."""
    config = compose("study", ["experiment/study=demo", "study.replicates=10"])
    context = StudyContext.read(config)
    cells = build(config.study, section="study").cells(context)

    def all_of_them() -> None:
        with composing(context, CONFIG_DIR) as composer:
            plan(cells, composer, Path("/nowhere/cells"), "code")

    return seconds(all_of_them) / len(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50, help="unfinished ones (default: %(default)s)")
    parser.add_argument("--cells", type=int, default=40, help="of the study (default: %(default)s)")
    given = parser.parse_args()
    register_resolvers()
    with tempfile.TemporaryDirectory() as name:
        added = resume_auto(Path(name) / "logs", given.runs)
        print(f"resume=auto beside {given.runs} unfinished runs: {added:.2f} CPU seconds")
        each, planning = engine(Path(name) / "study", given.cells), planned()
        print(f"a study's driver per cell: {planning:.3f} s to plan it, {each:.3f} s to run and record it")


if __name__ == "__main__":
    main()
