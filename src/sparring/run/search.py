"""Telling a run directory from other paths, and naming the runs that were meant when it is none."""

import contextlib
import difflib
from pathlib import Path

from sparring.core.program import hint


def is_run(folder: Path) -> bool:
    """Whether `folder` holds the settings that Hydra saves at the start of every run."""
    return (folder / ".hydra" / "config.yaml").is_file()


def study_of(folder: Path) -> Path | None:
    """The run directory of the study in whose cells `folder` lies; None elsewhere, also below another folder called `cells`."""
    cells = (parent for parent in folder.absolute().parents if parent.name == "cells")
    return next((parent.parent for parent in cells if is_run(parent.parent)), None)


def why_no_run(path: Path) -> str:
    """One sentence: why the absolute `path` is no run, and which runs may have been meant."""
    inside = [parent for parent in path.parents if is_run(parent)]
    if inside:
        return f"{path} lies inside a run; name the run directory itself: {inside[0]}."
    what = "is not a run directory (it has no .hydra/config.yaml)" if path.exists() else "does not exist"
    near = _near(path)
    advice = f"did you mean {' or '.join(near)}?" if near else f"train one with `{hint('train')}`."
    return f"{path} {what}; {advice}"


def _near(path: Path) -> list[str]:
    """Up to three runs: those with the most similar names, else the newest, in `path`, in its parent or in logs/<verb>."""
    runs = _runs_in(path) or _runs_in(path.parent)
    if not runs:
        runs = [run for verb in sorted(Path("logs").glob("*")) for run in _runs_in(verb)]
    by_name = {run.name: str(run) for run in runs}
    names = difflib.get_close_matches(path.name, by_name, n=3, cutoff=0.5) or sorted(by_name, reverse=True)[:3]
    return [by_name[name] for name in names]


def _runs_in(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [child for child in folder.iterdir() if is_run(child)]
    return []


def find_run(given: str, log_dir: Path) -> Path:
    """The directory as typed, relative to the working directory, the folder of logs/, logs/train or logs/study.

    As typed when there is none.
    """
    typed = Path(given).expanduser()
    places = (Path.cwd(), log_dir.parent, log_dir / "train", log_dir / "study")
    folders = (place / typed for place in places if (place / typed).is_dir())
    return next(folders, Path.cwd() / typed).resolve()
