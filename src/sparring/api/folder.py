"""New run directories: unlike a command, one process has many."""

from datetime import datetime
from os import getpid
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from sparring.config.compose import file_name
from sparring.run.directory import RunDir


def new_run(config: DictConfig, typed: list[str], verb: str, given: str | Path | None) -> Path:
    """A new run directory that holds its settings, as Hydra leaves one for a command; `config` learns where it is.

    typed: the overrides. given: the directory, or None for a new one below `paths.log_dir`.

    Raises:
        CheckpointError: it holds a run already. DiskError.
    """
    folder = _new_folder(config, verb) if given is None else Path(given).expanduser().absolute()
    RunDir.create(folder).close()
    _move(config, config.paths.run_dir, str(folder))
    settings = folder / ".hydra"
    settings.mkdir(exist_ok=True)
    OmegaConf.save(config, settings / "config.yaml", resolve=True)
    OmegaConf.save(OmegaConf.create(typed), settings / "overrides.yaml")
    return folder


def _move(node: DictConfig | ListConfig, before: str, after: str) -> None:
    """Replace the directory that a composed configuration named: callbacks have learnt it when it was resolved."""
    for key in list(node.keys()) if isinstance(node, DictConfig) else range(len(node)):
        value = node[key]
        if isinstance(value, DictConfig | ListConfig):
            _move(value, before, after)
        elif value == before:
            node[key] = after


def _new_folder(config: DictConfig, verb: str) -> Path:
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
    name = f"{stamp}_{file_name(str(config.name))}_{getpid()}"
    return (Path(config.paths.log_dir) / verb / name).absolute()
