"""A training as its files tell it, under way or over: in words, as curves and as pictures."""

from dataclasses import dataclass
from pathlib import Path

from sparring.core.errors import SparringError
from sparring.report.curves import Panel, panels
from sparring.report.record import MetricTable
from sparring.run.directory import RunDir

SHOWN = ("loss", "logits", "samples", "val")  # groups of curves


@dataclass(frozen=True)
class Watched:
    """words: one line on how far it is. panels: curves as SVG. samples, real: pictures, None where there is none yet."""

    words: str
    panels: list[Panel]
    samples: Path | None
    real: Path | None
    running: bool


def watched(path: Path, last_words: str | None = None) -> Watched:
    """What a run's files say now; a run that has only begun says so.

    Args:
        path: of a training run, which may not exist yet.
        last_words: of its process, which has ended; None: nobody knows that it has.
    """
    dead = Watched(f"{path.name} ended before it began: {last_words}", [], None, None, False)
    try:
        run = RunDir.open(path)
        status = run.status() or {}
    except SparringError as error:
        if last_words is not None and not path.exists():
            return dead
        return Watched(str(error) if path.exists() else f"{path.name} is starting.", [], None, None, not path.exists())
    if last_words is not None and "state" not in status:
        return dead
    table = MetricTable.read(run.metrics_csv)
    series = [each for each in table.series() if each.name.partition("/")[0] in SHOWN]
    state, alive = str(status.get("state", "starting")), run.is_being_written()
    if state == "running" and not alive:
        state = "killed"
    clock = table.last_clock() or status.get("clock") or {}
    count = f", iteration {clock['iteration']:,}" if clock.get("iteration") else ""
    reason = f": {status['reason']}" if status.get("reason") and state != "running" else ""
    samples = sorted(run.images.glob("samples_*.png"))
    real = run.images / "real.png"
    return Watched(
        f"{path.name} is {state}{count}{reason}", panels(series) if series else [], samples[-1] if samples else None,
        real if real.is_file() else None, alive,
    )  # fmt: skip
