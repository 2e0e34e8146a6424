"""Commands that go on from a run, as they can be typed."""

from collections.abc import Sequence

from sparring.core.program import hint
from sparring.run.directory import RunDir
from sparring.run.saved import to_type_again
from sparring.run.settings import read_searchpath


def resume_command(verb: str, run: RunDir, *words: str) -> str:
    """Continues `run`; names again what a resume does not bring back, since no file may set it."""
    return hint(verb, f"resume={run.path}", *words, *config_dir_words(run), *to_type_again(run.overrides))


def use_command(verb: str, run: RunDir, *words: str) -> str:
    """Calls a stage that reads `run`."""
    return hint(verb, f"run={run.path}", *words, *extension_words(run.overrides))


def config_dir_words(run: RunDir) -> list[str]:
    """The words of the run's command line that named folders of configurations beside sparring's own."""
    places = read_searchpath(run.path)
    if len(places) == 1 and places[0].startswith("file://"):
        return ["--config-dir", places[0].removeprefix("file://")]
    return [f"hydra.searchpath=[{','.join(map(repr, places))}]"] if places else []


def extension_words(overrides: Sequence[str]) -> list[str]:
    """Those of a command line that named the user's own packages."""
    return [item for item in overrides if item.partition("=")[0].lstrip("+") == "extensions"]
