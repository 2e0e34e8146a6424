"""The first line of a command, where its run goes, and the last ones: how it came out, and where the page is."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparring.core.program import shown
from sparring.core.progress import heartbeat, working
from sparring.core.terminal import say
from sparring.run.directory import RunDir
from sparring.stage import WITHOUT_RUN, call, load


def told(verb: str, config: Any, run_dir: Path) -> Any:
    """What the stage returns, with the lines before and after it. Raises what it raises."""
    if verb not in WITHOUT_RUN:
        announce(run_dir)
    try:
        with _audible(verb):
            result = call(verb, config, run_dir)
    except Exception as error:
        tell(getattr(error, "result", None), run_dir)  # of a study some of whose cells failed
        raise
    tell(result, run_dir)
    return result


@contextlib.contextmanager
def _audible(verb: str) -> Iterator[None]:
    """The stage loaded, with a sign of life every few seconds; of one process alone."""
    from sparring.config.compose import rank

    if rank() > 0:
        yield
        return
    with heartbeat(verb):
        with working("loading libraries"):
            load(verb)
        yield


def announce(run_dir: Path) -> None:
    """Say at once, before anything heavy is imported, where the run goes."""
    from sparring.config.compose import rank

    if rank() == 0:
        say(f"Run: {shown(run_dir)}")


def tell(result: Any, run_dir: Path) -> None:
    """Print three lines to stdout, after all that was printed before; nothing for a stage without a result of its own.

    Args:
        result: what the stage returned, the content of `result.json`; empty in the further processes of a training.
        run_dir: of the run.
    """
    if not isinstance(result, dict) or "verb" not in result:
        return
    sys.stderr.flush()
    say("\n".join(lines(result, run_dir)), file=sys.stdout)


def lines(result: dict[str, Any], run_dir: Path) -> list[str]:
    """The result in words, the numbers behind it with their intervals, and where to look at them."""
    from sparring.report.outcome import outcome

    ended, page = outcome(result), Path(result["page"]) if "page" in result else RunDir(run_dir).report
    if page.exists():
        place = f"Report: {shown(page)}"
    else:
        files = result.get("files") or {}
        picture = next((files[name] for name in ("morph", "interpolation", "grid") if name in files), None)
        place = f"Files: {shown(run_dir)}" if picture is None else f"Images: {shown(run_dir / picture)}"
    return [f"Result: {' '.join(ended.words.split())}", f"Numbers: {ended.figures}", place]
