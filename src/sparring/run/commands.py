"""Commands that go on from a run, as they can be typed."""

from collections.abc import Sequence

from sparring.core.program import hint
from sparring.run.directory import RunDir


def resume_command(verb: str, run: RunDir, *words: str) -> str:
    """Continues `run`; names again what a resume does not bring back, since no file may choose which code runs."""
    return hint(verb, f"resume={run.path}", *words, *config_dir_words(run), *extension_words(run.overrides))


def use_command(verb: str, run: RunDir, *words: str) -> str:
    """Calls a stage that reads `run`."""
    return hint(verb, f"run={run.path}", *words, *extension_words(run.overrides))


def config_dir_words(run: RunDir) -> list[str]:
    """The words of the run's command line that named folders of configurations beside sparring's own."""
    from omegaconf import OmegaConf

    file = run.path / ".hydra" / "hydra.yaml"
    given = OmegaConf.select(OmegaConf.load(file), "hydra.searchpath") if file.exists() else None
    places = [str(item) for item in given or ()]
    if len(places) == 1 and places[0].startswith("file://"):
        return ["--config-dir", places[0].removeprefix("file://")]
    return [f"hydra.searchpath=[{','.join(map(repr, places))}]"] if places else []


def extension_words(overrides: Sequence[str]) -> list[str]:
    """Those of a command line that named the user's own packages."""
    return [item for item in overrides if item.partition("=")[0].lstrip("+") == "extensions"]
