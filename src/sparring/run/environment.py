"""What a result depends on: the identity of its settings, and the code, libraries and machine behind it."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from sparring.core.package import FOLDER, VERSION

_PACKAGES = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "scikit-learn", "pillow", "safetensors", "wandb")
_NAME_THEIR_BUILD = ("torch",)  # in `__version__`, as in 2.13.0+cu130; the distribution's version may leave it out
_NOT_THE_EXPERIMENT = ("paths", "logger", "hydra")


def config_hash(config: Mapping[Any, Any]) -> str:
    """sha256 hex digest of the settings as `identity` gives them."""
    text = json.dumps(identity(config), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def identity(config: Mapping[Any, Any]) -> dict[str, Any]:
    """The resolved settings as plain values, the same wherever the run directory and caches are.

    The sections `paths`, `logger` and `hydra` do not enter; a value that begins with one of `paths` counts as that key.

    Args:
        config: a whole configuration, which is resolved, or its values.

    Raises:
        TypeError: `config` is no mapping.
    """
    from omegaconf import OmegaConf

    plain = OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config
    if not isinstance(plain, dict):
        raise TypeError("config_hash expects a mapping.")
    paths = plain.get("paths") or {}
    places = {value: f"<{key}>" for key, value in paths.items() if isinstance(value, str) and os.path.isabs(value)}
    settings: dict[str, Any] = _placeless({k: v for k, v in plain.items() if k not in _NOT_THE_EXPERIMENT}, places)
    return settings


def _placeless(value: Any, places: dict[str, str]) -> Any:
    """`value` with the beginning of every path in `places` replaced, the longest first."""
    if isinstance(value, Mapping):
        return {str(key): _placeless(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item, places) for item in value]
    if isinstance(value, str):
        for place in sorted(places, key=len, reverse=True):
            if value == place or value.startswith(place.rstrip("/") + "/"):
                return places[place] + value[len(place.rstrip("/")) :]
    return value


def environment() -> dict[str, Any]:
    """Versions, git commit of the code, device and cores, as plain values; no host name, no environment variables."""
    import torch

    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    elif torch.backends.mps.is_available():
        device = "mps"
    else:
        device = _processor()
    return {
        "sparring": VERSION,
        "git": git_state(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: package_version(name) for name in _PACKAGES},
        "device": device,
        "devices": torch.cuda.device_count() if torch.cuda.is_available() else 1,
        "cuda": torch.version.cuda,
        "host_cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def git_state() -> dict[str, Any] | None:
    """Commit of the checkout that this package runs from and whether it has changes; None outside a checkout."""
    package = FOLDER
    root = _git(package, "rev-parse", "--show-toplevel")
    # An environment inside somebody else's repository must not report that repository's commit.
    if root is None or package != Path(root).resolve() / "src" / "sparring":
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain")
    return None if commit is None else {"commit": commit, "changed": bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def package_version(package: str) -> str | None:
    """Version of an installed package, with the build (CPU, CUDA) where there are several of one release; else None."""
    try:
        if package in _NAME_THEIR_BUILD:
            return str(import_module(package).__version__)
        return metadata.version(package)
    except (metadata.PackageNotFoundError, ModuleNotFoundError):
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
