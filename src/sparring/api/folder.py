"""New run directories: unlike a command, one process has many."""

from datetime import datetime
from os import getpid
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from sparring.config.compose import file_name
from sparring.run.directory import RunDir
from sparring.run.settings import FOLDER, read_overrides, write_settings


def new_run(config: DictConfig, typed: list[str] | None, verb: str, given: str | Path | None) -> Path:
    """A new run directory that holds its settings, as Hydra leaves one for a command; `config` learns where it is.

    Args:
        typed: the overrides, where they are known.
        given: the directory, or None for a new one below `paths.log_dir`.

    Raises:
        CheckpointError: it holds a run already. DiskError.
    """
    folder = _new_folder(config, verb) if given is None else Path(given).expanduser().absolute()
    RunDir.create(folder).close()
    move(config, config.paths.run_dir, str(folder))
    write_settings(folder, config)
    if typed is not None:
        OmegaConf.save(OmegaConf.create(typed), folder / FOLDER / "overrides.yaml")
    return folder


def add_overrides(folder: Path, typed: list[str]) -> None:
    """Say in a run's record that it went on with other settings; the last value of a key holds."""
    keys = {item.partition("=")[0] for item in typed}
    before = [item for item in read_overrides(folder) if item.partition("=")[0] not in keys]
    OmegaConf.save(OmegaConf.create([*before, *typed]), folder / FOLDER / "overrides.yaml")


def move(node: DictConfig | ListConfig, before: str, after: str) -> None:
    """Replace the directory that a composed configuration named: callbacks and loggers learnt it when it was resolved."""
    keys: list[Any] = list(node) if isinstance(node, DictConfig) else list(range(len(node)))
    for key in keys:
        value = node[key]
        if isinstance(value, DictConfig | ListConfig):
            move(value, before, after)
        elif isinstance(value, str) and (value == before or value.startswith(f"{before}/")):
            node[key] = after + value.removeprefix(before)


def _new_folder(config: DictConfig, verb: str) -> Path:
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
    name = f"{stamp}_{file_name(str(config.name))}_{getpid()}"
    return (Path(config.paths.log_dir) / verb / name).absolute()
