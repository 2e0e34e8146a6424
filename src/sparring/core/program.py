"""How this process was started, and what follows from it: where its files go, and the commands that its messages name.

There are three ways: a script of a checkout (`python train.py`), `sparring train` and `python -m sparring train`. Which one it
was is read from `sys.argv`, which worker processes share with the process that started them.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path

from sparring.core.package import FOLDER

NAME = "sparring"
_typed_words: list[str] = []


def remember_typed() -> None:
    """Keep `sys.argv` as it is before anything is put in the place of its words."""
    _typed_words[:] = sys.argv


def typed() -> str:
    """What was typed after `python`, such as `train.py model=dcgan resume=auto`."""
    return shlex.join(_typed_words or sys.argv)


def script() -> Path | None:
    """The script of a checkout that runs, such as train.py; None if the process was started in another way.

    Such a script stands beside a conf/ that has a configuration of the script's name.
    """
    path = Path(sys.argv[0]).resolve()
    return path if path.suffix == ".py" and (path.parent / "conf" / f"{path.stem}.yaml").is_file() else None


def root() -> Path:
    """The folder of `logs/` and `.env`: the script's own, or the working directory if no script of a checkout runs."""
    path = script()
    return Path.cwd() if path is None else path.parent


def restart(*words: str) -> list[str]:
    """The command that starts this program again in another process, followed by `words`."""
    return [sys.executable, *(["-m", NAME] if _is_module() else [os.path.abspath(sys.argv[0])]), *words]


def command(verb: str, *words: str) -> str:
    """A command as pages name it: `python train.py`, `sparring train` or `python -m sparring train`, then quoted `words`."""
    start = [NAME, verb]
    if script() is not None:
        start = ["python", f"{verb}.py"]
    elif _is_module():
        start = ["python", "-m", NAME, verb]
    return shlex.join([*start, *words])


def hint(verb: str, *words: str) -> str:
    """`command` as it can be typed in this working directory: with paths where this shell needs them."""
    path = script()
    if path is not None:
        start = [_typed("python", sys.executable), shown(path.with_name(f"{verb}.py"))]
    elif _is_module():
        start = [_typed("python", sys.executable), "-m", NAME, verb]
    else:
        start = [_typed(NAME, sys.argv[0]) if Path(sys.argv[0]).stem == NAME else NAME, verb]
    return shlex.join([*start, *words])


def _is_module() -> bool:
    return Path(sys.argv[0]).resolve() == FOLDER / "__main__.py"


def _typed(name: str, path: str) -> str:
    """`name` where the shell finds the file `path` by it, else the path.

    Both must be the same file in the same folder: the python of every virtual environment is a link to one and the same file.
    """
    given, there = Path(path).absolute(), Path(shutil.which(name) or os.devnull)
    if there.parent.resolve() == given.parent.resolve() and there.resolve() == given.resolve():
        return name
    typed = shown(Path(path))
    return typed if os.sep in typed else f".{os.sep}{typed}"


def shown(path: Path) -> str:
    """A path as messages print it: relative to the working directory where it lies below it, else absolute."""
    path, here = path.absolute(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
