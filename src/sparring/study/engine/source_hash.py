"""A hash of the code that a cell's numbers come from."""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from sparring.core import package
from sparring.core.errors import ConfigError
from sparring.run.environment import package_version

# Folders and files whose code shows numbers or decides which are computed, without changing them.
_NOT_THE_NUMBERS = ("report", "cli", "config", "logger", "study", "executor", "stage/study.py")
_PACKAGES = ("torch", "lightning", "numpy")


def digest(extensions: Sequence[str] = ()) -> str:
    """sha256 hex of sparring's source as far as numbers depend on it, of the `extensions` and of the main packages' versions.

    Raises:
        ConfigError: an extension is not installed.
    """
    total = hashlib.sha256()
    for name in _PACKAGES:
        total.update(f"{name}={package_version(name)}\n".encode())
    root = package.FOLDER
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root).as_posix()
        if not any(name == other or name.startswith(f"{other}/") for other in _NOT_THE_NUMBERS):
            _add(total, name, file)
    for extension in extensions:
        for file in _files(extension):
            _add(total, f"{extension}:{file.name}", file)
    return total.hexdigest()


def _add(total: "hashlib._Hash", name: str, file: Path) -> None:
    total.update(f"{name}={hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())


def _files(extension: str) -> list[Path]:
    spec = importlib.util.find_spec(extension)
    if spec is None:
        raise ConfigError(f"extensions=[{extension}]: there is no package {extension}; install it, or check the name.")
    folders = [Path(location) for location in spec.submodule_search_locations or ()]
    return sorted(file for folder in folders for file in folder.rglob("*.py")) or [Path(str(spec.origin))]
