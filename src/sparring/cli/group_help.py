"""`--help <group>` and `--help <group>=<choice>`: choices with what they are, and their settings with what these mean."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from sparring.cli.comments import settings_of
from sparring.cli.help import choices, table
from sparring.core.errors import ConfigError
from sparring.core.package import FOLDER
from sparring.core.program import NAME, command
from sparring.core.wording import listing, near

FEW = 6  # choices whose settings are all listed
_PACKAGE = re.compile(r"#\s*@package\s+(\S+)")


def group_help(asked: Sequence[str], places: Sequence[Path], *, verb: str) -> str:
    """The help of groups, or of single choices.

    Args:
        asked: such as `model/loss` or `logger=wandb`.
        places: folders of configurations.

    Raises:
        ConfigError: there is no such group or choice.
    """
    return "\n\n".join(_help(item, places, verb=verb) for item in asked)


def _help(item: str, places: Sequence[Path], *, verb: str) -> str:
    group, chosen, name = item.strip("'\"").partition("=")
    group = group.partition("@")[0].replace(".", "/")
    folders = [place / group for place in places if (place / group).is_dir()]
    known = {each: folder / f"{each}.yaml" for folder in folders for each in choices(folder)}
    if not known:
        raise ConfigError(_no_group(group, places, verb=verb))
    names = [name] if chosen else list(known)
    if chosen and name not in known:
        raise ConfigError(f"{group} has no choice '{name}'{near(name, known)} (it has {listing(known)})")
    parts = [] if chosen else [f"{group}\n" + table([(each, _sentence(_about(known[each]))) for each in known])]
    inner = sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir() and choices(path)})
    if inner and not chosen:
        parts.append("Groups inside\n" + table([(f"{group}/{each}", "") for each in inner]))
    if len(names) > FEW:
        parts.append("More\n" + table([(command(verb, "--help", f"{group}={names[0]}"), "the settings of one choice")]))
    else:
        parts += [part for each in names if (part := _settings(known[each], group))]
    return "\n\n".join(parts)


def _no_group(group: str, places: Sequence[Path], *, verb: str) -> str:
    groups = [
        folder.relative_to(place).as_posix()
        for place in places
        for folder in place.rglob("*")
        if folder.is_dir() and choices(folder)
    ]
    return (
        f"there is no group '{group}'{near(group, groups) or '.'} Settings with what they mean are shown by "
        f"{command(verb, '--cfg', 'job')}."
    )


def _settings(file: Path, group: str) -> str:
    """The settings of a choice; only its name and what it is where it has none."""
    text = file.read_text("utf-8")
    package = _PACKAGE.search(text)
    place = group.replace("/", ".") if package is None else package[1].replace("_global_", "")
    prefix = f"{place}." if place else ""
    rows = [
        (f"{prefix}{name}={written}", comment)
        for name, written, comment in settings_of(text)
        if not name.startswith("defaults") and not name.endswith("_target_") and (written or comment)
    ]
    about = [f"    {line}" for line in _about(file) if line]
    return "\n".join([f"{group}={file.stem}", *about, *([table(rows)] if rows else [])])


def _about(file: Path) -> list[str]:
    """What a choice is: the first comment lines of its file, else the first line of its class's module."""
    lines = []
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not _PACKAGE.match(line):
            lines.append(line.removeprefix("#").strip())
    return lines or [_of_module(file)]


def _sentence(lines: Sequence[str]) -> str:
    """The first sentence of a comment, without the commands in it."""
    return re.split(r"(?<=[\w)])\. (?=[A-Z])|:? +python ", " ".join(lines), maxsplit=1)[0].rstrip(".:")


def _of_module(file: Path) -> str:
    """The first line of the module that holds the class of a leaf, without importing it."""
    for target in _targets(yaml.safe_load(file.read_text("utf-8"))):
        package, *parts = target.split(".")[:-1]
        source = FOLDER.joinpath(*parts).with_suffix(".py")
        if package == NAME and source.is_file():
            return (ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").split("\n")[0]
    return ""


def _targets(content: object) -> Iterator[str]:
    if isinstance(content, dict):
        if isinstance(content.get("_target_"), str):
            yield content["_target_"]
        for child in content.values():
            yield from _targets(child)
