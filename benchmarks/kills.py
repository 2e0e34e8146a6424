"""What kill -9 costs a study: cells that are lost, started twice or different, over many kills at random moments.

    python benchmarks/kills.py --kills 50                                  executor=process, its driver is killed
    python benchmarks/kills.py --kills 50 --whom cell                      the process group of a cell that runs is killed
    python benchmarks/kills.py --kills 50 --executor submitit              cells go on without the driver, and are found again
    python benchmarks/kills.py --kills 50 --executor ray                   the same, in a Ray that this script starts
    python benchmarks/kills.py --kills 50 --executor ray-own               a Ray that the driver starts, which ends with it

The engine, the executors and the records are those of `study.py`; the stage is a toy that waits and adds up, so that nothing but
kills takes time. A study is started again and again in one folder until all its cells are finished, then the next begins. Checked
after each kill: no finished cell was started again, and no cell ran twice at the same time; with submitit and ray, where nothing
ends with the driver, that none was started twice at all. At the end of each study: its results are those of one without kills.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparring.run.directory import RunDir
from sparring.study.engine.cell import Cell
from sparring.study.engine.plan import Planned
from sparring.study.engine.run import CellOutcome, run
from sparring.study.engine.work import CellRecord

CELLS = 10
SECONDS = 0.4  # that a cell takes
LATE = 0.8  # share of the kills that wait for the first start of a cell
POLL = 0.01
OUTLIVES = ("submitit", "ray")  # executors whose cells go on when their driver is killed
INPUTS = {number: tuple(other for other in (number - 2, number - 3) if other >= 0) for number in range(CELLS)}


def stage(verb: str, config: Any, folder: Path) -> None:
    """Wait, and add up the inputs' numbers; leaves who started when, and whether another was at the same cell."""
    root, name = folder.parent.parent, folder.name
    claim, other = root / f"{name}.running", ""
    with contextlib.suppress(OSError):
        other = claim.read_text("utf-8")
    twice = bool(other) and Path(f"/proc/{other}/stat").exists() and int(other) != os.getpid()
    claim.write_text(str(os.getpid()), "utf-8")
    with (root / "starts.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"cell": name, "pid": os.getpid(), "twice": twice}) + "\n")
    with RunDir.create(folder) as run_dir:
        time.sleep(SECONDS)
        values = [json.loads((Path(each) / "result.json").read_text("utf-8"))["value"] for each in config.inputs]
        run_dir.write_result({"value": int(config.number) + 3 * sum(values)})
    claim.unlink(missing_ok=True)


def planned(root: Path) -> list[Planned]:
    """The cells of a study in `root`."""
    cells = root / "cells"
    return [
        Planned(
            Cell(f"c{number}", "toy", (), {}), {"number": number, "inputs": [str(cells / f"c{each}") for each in inputs]},
            tuple(f"c{each}" for each in inputs), f"key{number}", cells / f"c{number}",
        )
        for number, inputs in INPUTS.items()
    ]  # fmt: skip


class Silent:
    """A watcher that says nothing."""

    def started(self, name: str) -> None: ...

    def ended(self, name: str, outcome: CellOutcome) -> None: ...

    def tick(self) -> None: ...


def drive(root: Path, executor: str, address: str | None) -> None:
    """What `study.py` does in the folder `root`, until all cells are finished or it is killed."""
    engine: Any
    if executor == "process":
        from sparring.executor.process import Process

        engine = Process(workers=2, threads=1, gpus=None)
    elif executor.startswith("ray"):
        from sparring.executor.ray import Ray

        engine = Ray(address=address, workers=2, threads=1, cpus=1, gpus=0, run_dir=str(root))
    else:
        from sparring.executor.submitit import Submitit

        engine = Submitit(
            cluster="local", workers=2, threads=1, gpus=0, cpus=1, minutes=10, parameters={}, run_dir=str(root)
        )
    try:
        run(planned(root), engine, Silent(), call=stage, retry=True, workers=2, archive=root / "archive")
    finally:
        engine.shutdown()


@contextlib.contextmanager
def cluster(executor: str) -> Iterator[str | None]:
    """The address of a Ray of this computer, for executor=ray; it ends with the block."""
    if executor != "ray":
        yield None
        return
    import ray

    ray.init(address="local", include_dashboard=False, logging_level="error")
    try:
        yield str(ray.get_runtime_context().gcs_address)
    finally:
        ray.shutdown()


def results(root: Path) -> dict[str, Any]:
    """The numbers of the finished cells."""
    return {
        each.cell.name: json.loads((each.folder / "result.json").read_text("utf-8"))["value"]
        for each in planned(root)
        if (record := CellRecord.read(each.folder)) is not None and record.state == "finished"
    }


def starts(root: Path) -> list[dict[str, Any]]:
    file = root / "starts.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


class Kills:
    """Drivers that are killed, and what came of it.

    Args:
        folder: for the studies. executor: process, submitit, ray or ray-own. whom: "driver", or "cell".
        address: of the Ray that drivers join; None where there is none.
        within: share of the time of a study that nobody kills in which a kill comes, (0, 1].
    """

    def __init__(
        self, folder: Path, *, executor: str, address: str | None, whom: str, within: float, seed: int
    ) -> None:
        self.folder, self.executor, self.whom, self.random = folder, executor, whom, random.Random(seed)
        self.address, self.within = address, within
        self.kills = self.studies = self.lost = self.twice = self.different = 0
        root = self._new()
        began = time.monotonic()
        driver = self._driver(root)
        self._until_a_cell_starts(driver, root, 0)
        first = time.monotonic() - began
        driver.wait()
        self.span = time.monotonic() - began  # of a study that nobody kills
        self.busy = self.span - first  # of it, from the start of its first cell
        self.whole = results(root)
        if len(self.whole) != CELLS:
            raise SystemExit(f"a study that nobody killed finished {len(self.whole)} of {CELLS} cells; see {root}.")

    def study(self, kills: int) -> None:
        """One study, until it is finished or there were `kills` in all; then it may end."""
        root, done = self._new(), set[str]()
        while len(done) < CELLS:
            driver, before = self._driver(root), len(starts(root))
            if self.kills < kills:
                self._kill(driver, root)
            else:
                driver.wait()
            again = [each["cell"] for each in starts(root)[before:]]
            self.lost += len(done.intersection(again))
            done = set(results(root))
        self.studies += 1
        seen = starts(root)
        self.twice += sum(each["twice"] for each in seen)
        if self.executor in OUTLIVES and self.whom == "driver":
            self.twice += len(seen) - CELLS
        self.different += results(root) != self.whole
        print(f"{self.kills} kills, {self.studies} studies: {self}", flush=True)

    def __str__(self) -> str:
        return (
            f"{self.lost} finished cells lost, {self.twice} started twice, {self.different} studies with another result"
        )

    def _new(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder))

    def _driver(self, root: Path) -> "subprocess.Popen[bytes]":
        command = [sys.executable, __file__, "--drive", str(root), "--executor", self.executor]
        command += ["--address", self.address] if self.address else []
        with (root / "driver.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _kill(self, driver: "subprocess.Popen[bytes]", root: Path) -> None:
        """One kill at a random moment, four of five after cells have started; none where the study ends before."""
        if late := self.random.random() < LATE:
            self._until_a_cell_starts(driver, root, len(starts(root)))
        try:
            driver.wait(self.within * self.random.uniform(0, self.busy if late else self.span))
            return
        except subprocess.TimeoutExpired:
            pass
        if self.whom == "driver":
            os.killpg(driver.pid, signal.SIGKILL)
            self.kills += 1
            driver.wait()
            return
        while driver.poll() is None and not (running := list(root.glob("*.running"))):
            time.sleep(POLL)
        if driver.poll() is None:
            with contextlib.suppress(OSError, ValueError):  # it ended meanwhile
                os.killpg(os.getpgid(int(running[0].read_text("utf-8"))), signal.SIGKILL)
                self.kills += 1
        driver.wait()

    @staticmethod
    def _until_a_cell_starts(driver: "subprocess.Popen[bytes]", root: Path, before: int) -> None:
        while driver.poll() is None and len(starts(root)) == before:
            time.sleep(POLL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drive", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--executor", choices=("process", *OUTLIVES, "ray-own"), default="process")
    parser.add_argument("--whom", choices=("driver", "cell"), default="driver")
    parser.add_argument("--within", type=float, default=1.0, help="share of a study's time in which a kill comes")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: %(default)s)")
    given = parser.parse_args()
    if given.drive:
        drive(given.drive, given.executor, given.address)
        return
    with tempfile.TemporaryDirectory() as folder, cluster(given.executor) as address:
        kills = Kills(
            Path(folder), executor=given.executor, address=address, whom=given.whom, within=given.within, seed=given.seed,
        )  # fmt: skip
        print(f"A study that nobody kills takes {kills.span:.1f} s.", flush=True)
        while kills.kills < given.kills:
            kills.study(given.kills)
    sys.exit(1 if kills.lost or kills.twice or kills.different else 0)


if __name__ == "__main__":
    main()
