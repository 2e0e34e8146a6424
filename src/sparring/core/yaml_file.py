"""Reading a YAML file that somebody else may have written: plain values within bounds, or one clause that says why not.

A few lines of YAML can stand for billions of values (an alias repeats what its anchor holds, and may hold aliases itself), or
for themselves. So the values are counted before anything is built.
"""

import stat
from pathlib import Path
from typing import Any

MAX_BYTES = 4 * 2**20
MAX_VALUES = 100_000  # with every alias written out
MAX_DEPTH = 60


class Unreadable(ValueError):
    """Why a file cannot be read, as a clause: `<file> cannot be read: <clause>`."""


def read_yaml(file: Path) -> Any:
    """The content of `file` as plain values, scalars as OmegaConf reads them; references (`${...}`) stay texts.

    Raises:
        Unreadable: whatever is wrong with it.
    """
    from omegaconf import OmegaConf

    try:
        check_yaml(file)
        content = OmegaConf.load(file)
        return OmegaConf.to_container(content, resolve=False)
    except Unreadable:
        raise
    except Exception as error:  # a reader of what anybody may have written raises whatever its parts do
        raise Unreadable(_first_line(error)) from error


def read_texts(file: Path) -> Any:
    """The content of `file` with every scalar as the text that stands there: many times as fast, for looking at settings.

    Raises:
        Unreadable: whatever is wrong with it.
    """
    import yaml

    check_yaml(file)
    try:
        return yaml.load(file.read_text("utf-8"), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise Unreadable(_first_line(error)) from error


def check_yaml(file: Path) -> None:
    """Raise Unreadable unless `file` is a regular file of YAML within the bounds."""
    import yaml

    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("it is no regular file")
        if status.st_size > MAX_BYTES:
            raise Unreadable(f"it has {status.st_size} bytes, more than {MAX_BYTES}")
        _count(yaml.parse(file.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise Unreadable(_first_line(error)) from error


def _count(events: Any) -> None:
    """Raise Unreadable where the values are too many, too deep, or hold themselves. events: those of yaml.parse."""
    import yaml

    sizes: dict[str, int] = {}  # values below each anchor
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]  # (anchor, values so far) from the outside in

    def add(size: int) -> None:
        anchor, before = open_nodes[-1]
        open_nodes[-1] = anchor, before + size
        if before + size > MAX_VALUES:
            raise Unreadable(f"it stands for more than {MAX_VALUES} values")

    for event in events:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise Unreadable(f"*{event.anchor} refers to itself, or to nothing before it")
            add(sizes[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            add(1)
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            sizes.pop(event.anchor, None)
            open_nodes.append((event.anchor, 1))
            if len(open_nodes) > MAX_DEPTH:
                raise Unreadable(f"it is nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
            if anchor:
                sizes[anchor] = size
            add(size)


def _first_line(error: Exception) -> str:
    """What is wrong: the problem that YAML names, or the first line of another message."""
    message = getattr(error, "problem", None) or getattr(error, "strerror", None) or str(error)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.encode("unicode_escape").decode() if not text.isprintable() else text
