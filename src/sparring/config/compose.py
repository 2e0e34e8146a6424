"""Composing a configuration: where logs/ is, and what `${sparring:...}` means in a YAML."""

import copy
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from hydra import __version__ as hydra_version
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from sparring.config import class_count  # noqa: F401 - registers ${count_classes:...}
from sparring.config.prune import prune_overrides
from sparring.config.read_once import read_once
from sparring.core.package import CONFIG_DIR
from sparring.core.program import root

# Hydra 1.3 warns of anything older; 1.4 has no older behaviour and warns of the argument.
VERSION: dict[str, str] = {"version_base": "1.3"} if hydra_version.startswith("1.3.") else {}

SEARCHPATH = "hydra.searchpath"  # where configurations lie beside those of conf/

_RANK_VARIABLES = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
_NAME_LENGTH = 100  # characters of a folder name that come from the user; file systems allow 255 bytes in all


def rank() -> int:
    """0 in the process that owns the run directory, above 0 in its helpers (Lightning's children, torchrun, SLURM)."""
    given = (os.environ.get(name, "") for name in _RANK_VARIABLES)
    return max((int(value) for value in given if value.isdecimal()), default=0)


@cache
def _stamp() -> str:
    """Time of this process, once: every composition in it names the same directory."""
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")


def _process() -> str:
    """What tells apart two processes that start in the same microsecond, also on two machines of a cluster."""
    job = os.environ.get("SLURM_JOB_ID", "")
    return f"{job}-{os.getpid()}" if job else str(os.getpid())


def file_name(text: str) -> str:
    """`text` as part of a folder name that no shell and no Hydra override needs to quote."""
    return re.sub(r"[^\w.+-]+", "-", text).strip("-")[:_NAME_LENGTH]


def _run_dir(parent: str, name: object) -> str:
    if rank() > 0:
        # Only rank 0 owns a run directory. Lightning's own children are told it; those of torchrun and SLURM are not.
        return str(Path(tempfile.gettempdir()) / f"sparring_rank{rank()}_{_process()}")
    return str(Path(parent).expanduser() / f"{_stamp()}_{file_name(str(name))}_{_process()}")


def _sweep_dir(parent: str) -> str:
    return str(Path(parent).expanduser() / f"{_stamp()}_sweep_{_process()}")


def _job_dir(number: object, overrides: str) -> str:
    short = re.sub(r"(^|,)[+~]*[\w./@]*[./](?=[\w@]+=)", r"\1", overrides)  # model/generator=conv -> generator=conv
    short = re.sub(r"['\"\[\]{}]", "", short)
    return file_name(f"{number}_{short.replace('=', '-').replace(',', '_')}").rstrip("_")


def cache_dir() -> str:
    """The user's folder for what can be made again."""
    home = os.environ.get("XDG_CACHE_HOME")
    return str((Path(home) if home else Path.home() / ".cache") / "sparring")


def register_resolvers() -> None:
    """Give meaning to `${sparring:root}` and the other words below."""
    known: dict[str, Callable[..., str]] = {
        "root": lambda: str(root()),
        "cache": cache_dir,
        "run_dir": _run_dir,
        "sweep_dir": _sweep_dir,
        "job_dir": _job_dir,
    }
    # OmegaConf 2.4, which comes with Hydra 1.4, gave the function the name of one that 2.3 has for something older.
    register: Callable[..., None] = OmegaConf.register_new_resolver if VERSION else OmegaConf.register_resolver
    register("sparring", lambda what, *given: known[what](*given), replace=True)


@contextmanager
def hydra_at(config_dir: Path, verb: str) -> Iterator[None]:
    """Inside, `compose_all` reads `config_dir`; afterwards Hydra's global state is what it was, also inside of its main."""
    register_resolvers()
    before, hydra = HydraConfig.instance().cfg, GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_dir), job_name=verb, **VERSION):
            read_once()
            yield
    finally:
        HydraConfig.instance().cfg, GlobalHydra.instance().hydra = before, hydra


def compose_all(config_name: str, overrides: Sequence[str]) -> DictConfig:
    """The configuration with its `hydra` node, settled; interpolations not yet resolved but resolvable."""
    return settled(as_hydra_composes(config_name, overrides))


def as_hydra_composes(config_name: str, overrides: Sequence[str]) -> DictConfig:
    """The configuration with its `hydra` node, before it is `settled`: takes 0.2 s."""
    config: DictConfig = hydra_compose(config_name, list(overrides), return_hydra_config=True)
    return config


def with_values(composed: DictConfig, values: Sequence[Override]) -> DictConfig:
    """A copy as Hydra would compose it with these values too; 10 ms. `hydra.job.override_dirname` stays without them.

    Args:
        composed: what `as_hydra_composes` made of overrides that choose in groups.
        values: overrides that choose in no group.

    Raises:
        HydraException: one of them does not fit.
    """
    config = copy.deepcopy(composed)
    ConfigLoaderImpl._apply_overrides_to_config(list(values), config)
    for item in values:
        (config.hydra.overrides.hydra if item.is_hydra_override() else config.hydra.overrides.task).append(
            item.input_line
        )
    return config


def settled(config: DictConfig) -> DictConfig:
    """Take out of `config`, in place, the settings that its parts lack, and make it what `${hydra:...}` looks up."""
    prune_overrides(config, config.hydra)
    HydraConfig.instance().set_config(config)
    with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
        config.hydra.runtime.output_dir = os.path.abspath(str(OmegaConf.select(config, "hydra.run.dir")))
    HydraConfig.instance().set_config(config)
    return config


def resolved(config: DictConfig) -> DictConfig:
    """A copy without the `hydra` node, every interpolation replaced by its value.

    Raises:
        OmegaConfBaseException: a value is missing or refers to one that does not exist.
    """
    task = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    task._set_parent(None)
    resolve(task)
    OmegaConf.set_struct(task, True)
    return task


def resolve(config: DictConfig) -> None:
    """Replace every interpolation of `config` by its value, and the `~` that a path begins with by the home directory.

    Raises:
        OmegaConfBaseException: a value refers to one that does not exist.
    """
    OmegaConf.resolve(config)

    def expand(node: Any) -> None:
        for key in node.keys() if OmegaConf.is_dict(node) else range(len(node)):
            if OmegaConf.is_missing(node, key):
                continue
            child = node[key]
            if OmegaConf.is_config(child):
                expand(child)
            elif isinstance(child, str) and child.startswith("~/"):
                with read_write(config):
                    node[key] = os.path.expanduser(child)

    if not config._is_none():
        expand(config)


def log_dir(overrides: Sequence[str]) -> Path:
    """Where run directories go, before anything is composed: paths.log_dir, SPARRING_LOG_DIR, or logs/ in the root folder."""
    typed = [item.partition("=")[2] for item in overrides if item.startswith("paths.log_dir=")]
    given = typed[-1] if typed else os.environ.get("SPARRING_LOG_DIR", "")
    return Path(given).expanduser().resolve() if given else root() / "logs"


def compose(verb: str, overrides: Sequence[str] = (), *, config_dir: Path = CONFIG_DIR) -> DictConfig:
    """What the command `<verb> <overrides>` hands to its stage, for notebooks, tests and studies: resolved, struct mode.

    Args:
        overrides: as typed on the command line.
        config_dir: has `<verb>.yaml`.

    Raises:
        hydra.errors.HydraException, omegaconf.errors.OmegaConfBaseException: the configuration does not compose.
    """
    with hydra_at(config_dir, verb):
        return resolved(compose_all(verb, overrides))


def searchpath() -> list[str]:
    """The `hydra.searchpath` of the running command as an override; empty outside of Hydra."""
    if not HydraConfig.initialized():
        return []
    given = HydraConfig.get().searchpath
    return [f"{SEARCHPATH}=[{','.join(quoted(item) for item in given)}]"] if given else []


def quoted(path: str | os.PathLike[str]) -> str:
    """`path` as a value that Hydra's override grammar reads back unchanged."""
    return "'" + str(path).replace("'", "\\'") + "'"
