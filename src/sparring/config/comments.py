"""What the files of conf/ say about themselves: the comment of each setting, what a choice is, which classes it names."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from sparring.core.package import FOLDER
from sparring.core.program import NAME

_PACKAGE = re.compile(r"#\s*@package\s+(\S+)")


def settings_of(text: str) -> Iterator[tuple[str, str, str]]:
    """(dotted key, value as written, comment) of each setting in a YAML text; a mapping in braces is one setting."""
    lines = text.splitlines()
    root = yaml.compose(text)
    if isinstance(root, yaml.MappingNode):
        yield from _settings(root, lines, "")


def _settings(node: yaml.MappingNode, lines: Sequence[str], prefix: str) -> Iterator[tuple[str, str, str]]:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
            yield name, "", _comment(lines, key.end_mark.line, key.end_mark.column)
            yield from _settings(value, lines, f"{name}.")
            continue
        start, end = value.start_mark, value.end_mark
        block = isinstance(value, yaml.CollectionNode) and not value.flow_style
        last = key.end_mark if block or (start.line, start.column) == (end.line, end.column) else end
        written = "" if block else lines[start.line][start.column : end.column] if start.line == end.line else "..."
        yield name, written, _comment(lines, last.line, last.column)


def _comment(lines: Sequence[str], line: int, column: int) -> str:
    """What follows ` # ` behind `column`, with the lines below that go on with it."""
    found = re.search(r"\s# ?(.*)$", lines[line][column:])
    if found is None:
        return ""
    place, parts = column + found.start() + 1, [found[1].strip()]
    for following in lines[line + 1 :]:
        if len(following) - len(following.lstrip()) != place or following.lstrip()[:1] != "#":
            break
        parts.append(following.strip().removeprefix("#").strip())
    return " ".join(parts)


def settings_in(file: Path, group: str) -> list[tuple[str, str, str]]:
    """(dotted name on the command line, value as written, comment) of the settings of a choice, or of a verb (`group` "")."""
    text = file.read_text("utf-8")
    package = _PACKAGE.search(text)
    place = group.replace("/", ".") if package is None else package[1].replace("_global_", "")
    prefix = f"{place}." if place else ""
    return [
        (f"{prefix}{name}", written, comment)
        for name, written, comment in settings_of(text)
        if not name.startswith("defaults") and not name.endswith("_target_") and (written or comment)
    ]


def about(file: Path) -> list[str]:
    """What a choice is: the first comment lines of its file, else the first line of its class's module."""
    lines = []
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not _PACKAGE.match(line):
            lines.append(line.removeprefix("#").strip())
    return lines or [_of_module(file)]


def _of_module(file: Path) -> str:
    """The first line of the module that holds the class of a leaf."""
    sources = map(source_of, targets(yaml.safe_load(file.read_text("utf-8"))))
    source = next((source for source, _ in filter(None, sources)), None)
    return "" if source is None else (ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").split("\n")[0]


def source_of(target: str) -> tuple[Path, str] | None:
    """(module file, name in it) of a `_target_` of this package, found without importing it; None for another one's."""
    module, _, name = target.rpartition(".")
    package, *parts = module.split(".")
    source = FOLDER.joinpath(*parts).with_suffix(".py")
    return (source, name) if package == NAME and source.is_file() else None


def targets(content: object) -> Iterator[str]:
    """Every `_target_` in the content of a YAML file, in its order."""
    if isinstance(content, dict):
        if isinstance(content.get("_target_"), str):
            yield content["_target_"]
        for child in content.values():
            yield from targets(child)
