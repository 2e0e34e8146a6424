"""`--help <group>` and `--help <group>=<choice>`: choices with what they are, and their settings with what these mean."""

import re
from collections.abc import Sequence
from pathlib import Path

from sparring.cli.help import choices, table
from sparring.config.comments import about, settings_in
from sparring.core.errors import ConfigError
from sparring.core.program import command
from sparring.core.wording import listing, near

FEW = 6  # choices whose settings are all listed


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
    parts = [] if chosen else [f"{group}\n" + table([(each, _sentence(about(known[each]))) for each in known])]
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
    rows = [(f"{name}={written}", comment) for name, written, comment in settings_in(file, group)]
    lines = [f"    {line}" for line in about(file) if line]
    return "\n".join([f"{group}={file.stem}", *lines, *([table(rows)] if rows else [])])


def _sentence(lines: Sequence[str]) -> str:
    """The first sentence of a comment, without the commands in it."""
    return re.split(r"(?<=[\w)])\. (?=[A-Z])|:? +python ", " ".join(lines), maxsplit=1)[0].rstrip(".:")
