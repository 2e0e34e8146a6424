"""The settings of a run in its directory, `.hydra/config.yaml`: written resolved, so that they are read without Hydra."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError
from sparring.core.yaml_file import Unreadable, read_yaml
from sparring.run.schema import KEY, SCHEMA_VERSION

FOLDER = ".hydra"
# In place of the settings of a part: the class of an object that was made in Python. No file can build it.
GIVEN = "_given_"


def write_settings(run_dir: Path, settings: Mapping[str, Any], *, folder: str = FOLDER) -> None:
    """Write what a run was started with, and the schema version of its directory.

    Args:
        settings: resolved, also as a configuration.
        folder: where Hydra keeps its files, below `run_dir`.

    Raises:
        DiskError: the file could not be written; an older one is intact.
    """
    from omegaconf import OmegaConf

    config = settings if OmegaConf.is_config(settings) else OmegaConf.create(dict(settings))
    file = run_dir / folder / "config.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, f"{KEY}: {SCHEMA_VERSION}\n{OmegaConf.to_yaml(config)}".encode())


def read_settings(run_dir: Path) -> dict[str, Any]:
    """The settings of a run as plain values, with `paths.run_dir` pointing to where the directory is.

    Raises:
        CheckpointError: the file cannot be read, or holds a reference (`${...}`) in place of a value.
    """
    file = run_dir / FOLDER / "config.yaml"
    content = _read(file, "the settings of a run")
    if not isinstance(content, dict) or not content:
        what = "nothing" if not content else f"a {type(content).__name__}"
        raise CheckpointError(f"{file} holds {what}, expected the settings of a run; restore it from a copy.")
    settings = {str(key): value for key, value in content.items() if key != KEY}
    if isinstance(settings.get("paths"), dict):
        settings["paths"]["run_dir"] = str(run_dir)  # where it is now, not where it was made
    if reference := next((text for text in _texts(settings) if "${" in text), None):
        # Hydra writes them, and sparring the values in their place before a stage starts: no file makes this process look up what
        # they name, such as a variable of the environment.
        raise CheckpointError(
            f"{file} still refers to {reference} in place of a value: its run was stopped while it started, or the file was "
            "changed; start the run again."
        )
    return settings


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _texts(child)


def _read(file: Path, what: str) -> Any:
    try:
        return read_yaml(file)
    except Unreadable as error:
        raise CheckpointError(f"{file} cannot be read as {what}: {error}; restore it from a copy.") from error


def given_in(section: Mapping[Any, Any]) -> list[str]:
    """The parts of a section of the settings that were made in Python."""
    return [str(name) for name, part in section.items() if isinstance(part, Mapping) and GIVEN in part]


def read_overrides(run_dir: Path) -> list[str]:
    """What was typed on the command line of a run; empty for one that was started in Python.

    Raises:
        CheckpointError: the file cannot be read.
    """
    file = run_dir / FOLDER / "overrides.yaml"
    if not file.exists():
        return []
    content = _read(file, "the overrides of a run")
    if not isinstance(content, list) or not all(isinstance(item, str) for item in content):
        raise CheckpointError(f"{file} holds no list of overrides, such as [seed=1]; restore it from a copy.")
    return content


def read_searchpath(run_dir: Path) -> list[str]:
    """The folders of configurations that the command line of a run named beside sparring's own.

    Raises:
        CheckpointError: the file cannot be read.
    """
    file = run_dir / FOLDER / "hydra.yaml"
    content = _read(file, "Hydra's settings of a run") if file.exists() else None
    hydra = content.get("hydra") if isinstance(content, dict) else None
    given = hydra.get("searchpath") if isinstance(hydra, dict) else None
    return [str(item) for item in given] if isinstance(given, list) else []
