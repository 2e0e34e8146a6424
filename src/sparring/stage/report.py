"""`python report.py runs=logs`: every run of a folder on one page.

conf/report.yaml says what each key means.
"""

import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.core.errors import ConfigError, DiskError
from sparring.report.runs import page
from sparring.report.runs.find import collect
from sparring.run.search import find_run, is_run


def report(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Write the page and, beside it, its table as CSV; returns where it is and what it shows.

    Runs that are damaged are shown as such. Nothing else is written: `run_dir` stays as it is.

    Raises:
        ConfigError: no such folder, or no run in it. DiskError: the files cannot be written.
    """
    started = time.perf_counter()
    given = [config.runs] if isinstance(config.runs, str) else list(config.runs or ())
    folders = [_folder(str(each), Path(config.paths.log_dir)) for each in given]
    place = _page(config.page, folders)
    rows = collect(folders, root=place.parent)
    if not rows:
        raise ConfigError(
            f"there is no run in {' or '.join(map(str, folders))}: give a folder of runs, such as runs=logs/train."
        )
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{place.parent} cannot be made: {error.strerror}.") from error
    lead = page.states(rows)
    page.write(
        folders[0] if len(folders) == 1 else place.parent,
        rows,
        kind="runs",
        ending=lead,
        page=place,
        table=place.with_suffix(".csv"),
    )
    return {
        "verb": "report", "metrics": {}, "states": lead, "runs": len(rows), "page": str(place),
        "bytes": place.stat().st_size, "seconds": time.perf_counter() - started,
    }  # fmt: skip


def _folder(given: str, log_dir: Path) -> Path:
    folder = find_run(given, log_dir)
    if not folder.is_dir():
        raise ConfigError(f"runs={given} is no folder: give one that holds run directories, such as runs=logs/train.")
    return folder


def _page(given: Any, folders: list[Path]) -> Path:
    """The file to write; never the page of a run itself."""
    if given is not None:
        place = Path(str(given)).expanduser().absolute()
        if place.suffix != ".html" or (is_run(place.parent) and place.name == "report.html"):
            raise ConfigError(
                f"page={given} must be an .html file that is no run's own report, such as page=runs.html."
            )
        return place
    if len(folders) != 1:
        raise ConfigError(
            f"{len(folders)} folders were given to report: say where the page goes, such as page=runs.html."
        )
    return folders[0] / ("runs.html" if is_run(folders[0]) else "report.html")
