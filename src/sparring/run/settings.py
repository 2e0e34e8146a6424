"""The settings of a run in its directory, `.hydra/config.yaml`: written resolved, so that they are read without Hydra."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError
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
        CheckpointError: the file cannot be read or refers to settings that do not exist.
    """
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    file = run_dir / FOLDER / "config.yaml"
    try:
        config = OmegaConf.load(file)
        if not isinstance(config, DictConfig):
            raise CheckpointError(f"{file} holds a list, expected the settings of a run.")
        config.pop(KEY, None)
        if OmegaConf.is_dict(config.get("paths")):
            # Hydra stores `${hydra:runtime.output_dir}`, which would name the directory of the command that reads.
            config.paths.run_dir = str(run_dir)
        settings = OmegaConf.to_container(config, resolve=True)
    except (OSError, YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{file} cannot be read as the settings of a run: {reason}.") from error
    assert isinstance(settings, dict)
    return {str(key): value for key, value in settings.items()}


def given_in(section: Mapping[Any, Any]) -> list[str]:
    """The parts of a section of the settings that were made in Python."""
    return [str(name) for name, part in section.items() if isinstance(part, Mapping) and GIVEN in part]


def read_overrides(run_dir: Path) -> list[str]:
    """What was typed on the command line of a run; empty for one that was started in Python."""
    from omegaconf import OmegaConf

    file = run_dir / FOLDER / "overrides.yaml"
    return [str(item) for item in OmegaConf.load(file)] if file.exists() else []
