"""Hydra's own flags: read from a command line, checked, and written back."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser

from sparring.core.errors import ConfigError
from sparring.core.package import VERSION
from sparring.core.program import NAME
from sparring.core.wording import near

_SWITCHES = ("multirun", "run", "resolve", "hydra_help", "shell_completion")
_FOLDERS = ("config_path", "config_dir")
_WITH_VALUE = ("cfg", "package", "info", "config_name", *_FOLDERS)
_EXCLUSIVE = ("run", "multirun", "cfg", "info", "shell_completion")


def parse(argv: list[str]) -> argparse.Namespace:
    """Flags and overrides, in any order. Folders become absolute: a child may start in another working directory.

    Raises:
        ConfigError: a flag does not exist, or several exclude each other.
    """
    with unchecked_help():
        parser = get_args_parser()
    (version,) = (action for action in parser._actions if "--version" in action.option_strings)
    version.version = f"{NAME} {VERSION}"  # type: ignore[attr-defined]

    def refuse(message: str) -> NoReturn:
        if not message.startswith("unrecognized arguments: "):
            raise ConfigError(f"{message}.")
        wrong = message.removeprefix("unrecognized arguments: ").split()[0]
        name = wrong.lstrip("-").partition("=")[0]
        known = [flag for action in parser._actions for flag in action.option_strings]
        advice = near(wrong, known) or f": settings are written {name}=value, without dashes."
        raise ConfigError(f"there is no option '{wrong}'{advice}")

    parser.error = refuse  # type: ignore[method-assign]
    arguments = parser.parse_intermixed_args(argv)
    if arguments.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun unpickles a file, which can run code: use resume=<run dir> instead.")
    asked = [_flag(name) for name in _EXCLUSIVE if getattr(arguments, name)]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} exclude each other.")
    if arguments.resolve and arguments.cfg is None:
        raise ConfigError("--resolve goes with --cfg: --cfg job --resolve.")
    for name in _FOLDERS:
        if getattr(arguments, name) is not None:
            folder = Path(getattr(arguments, name)).resolve()
            if not folder.is_dir():
                raise ConfigError(f"{_flag(name)} {folder} is no folder.")
            setattr(arguments, name, str(folder))
    return arguments


@contextlib.contextmanager
def unchecked_help() -> Iterator[None]:
    """Inside, the help of an option may be something else than text, as it may before Python 3.14.

    Hydra's parser has such an option, whose help is put together when it is shown: up to 1.3.8 Python 3.14 refuses to make it
    (hydra issue 3121).
    """
    parser: Any = argparse.ArgumentParser
    check = getattr(parser, "_check_help", None)
    if check is not None:
        parser._check_help = lambda self, action: None
    try:
        yield
    finally:
        if check is not None:
            parser._check_help = check


def leaves_mode_to_flags(folder: Path) -> bool:
    """Whether no file of a configuration asks for a sweep, as an experiment may by `hydra: {mode: MULTIRUN}`."""
    return not any(b"MULTIRUN" in file.read_bytes() for file in folder.rglob("*.yaml"))


@contextlib.contextmanager
def mode_of_flags() -> Iterator[None]:
    """Inside, Hydra learns from the flags alone whether there is one job; it would compose all (0.2 s) to see what files say."""
    known = Hydra.get_mode
    Hydra.get_mode = lambda *arguments, **named: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Hydra.get_mode = known  # type: ignore[method-assign]


def flags(arguments: argparse.Namespace) -> list[str]:
    """The flags in `arguments`, as a command line; without the overrides."""
    given = [_flag(name) for name in _SWITCHES if getattr(arguments, name)]
    for name in _WITH_VALUE:
        if getattr(arguments, name) is not None:
            given += [_flag(name), getattr(arguments, name)]
    return given


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
