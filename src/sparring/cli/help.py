"""`--help`: what a command does, its groups with their choices, its settings and examples, read from conf/ itself."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from sparring.core.errors import ConfigError
from sparring.core.package import DESCRIPTION
from sparring.core.program import NAME, command, script


def overview(verbs: Sequence[str], config_dir: Path) -> str:
    """The help of the whole program: its verbs, one line each."""
    more = [
        (f"{command('train')} --help", "groups, choices, settings and examples of a verb"),
        ("docs", "the documentation in the browser: tutorials, a gallery of all choices, every setting"),
        ("--version", "the version"),
        ("completion", _completion("train")),
    ]
    program = command("train").removesuffix(" train")
    parts = [f"{DESCRIPTION}\n\n    {program} <verb> [group=choice] [setting=value] ..."]
    parts.append("Verbs\n" + table([(verb, _header(config_dir / f"{verb}.yaml")[0]) for verb in verbs]))
    return "\n\n".join([*parts, "More\n" + table(more)])


def help_text(config_name: str, config_dir: Path, *, verb: str) -> str:
    """The help of `<config_name>.yaml`, whose first comment lines are the summary and the examples.

    Args:
        command: what the user types in front of the overrides.

    Raises:
        ConfigError: there is no such file.
    """
    file = config_dir / f"{config_name}.yaml"
    if not file.is_file():
        raise ConfigError(f"there is no configuration file {file}.")
    summary, examples = _header(file)
    examples = re.sub(r"\bpython (\w+)\.py\b", lambda match: command(match[1]), examples)
    content = yaml.safe_load(file.read_text())
    defaults = dict(_defaults(content.get("defaults", [])))
    parts = [f"{summary}\n\n    {command(verb)} [group=choice] [setting=value] ...", "Examples\n" + examples]
    groups = list(_groups(config_dir, defaults))
    if groups:
        parts.append("Groups (default first; inside model, the preset decides)\n" + table(groups))
    own = {key: _plain(value) for key, value in content.items() if key not in ("defaults", "hydra", *defaults)}
    notes = dict(re.findall(r"^(\w+):.*?\s# (.*)$", file.read_text(), flags=re.MULTILINE))
    width = max(map(len, own.values()))
    parts.append("Settings\n" + table([(key, f"{value:{width}}  {notes.get(key, '')}") for key, value in own.items()]))
    parts.append(
        "More\n"
        + table(
            [
                ("--help <group>", "its choices and their settings, such as --help logger or --help model=rpgan"),
                ("--cfg job", "every setting with its value and its meaning; with --resolve, references are followed"),
                ("-m", "several values (seed=1,2) run a job for each; hydra.launcher.n_jobs=2 runs two at a time"),
                ("--hydra-help", "Hydra's own options"),
                ("completion", _completion(verb)),
                ("--config-dir conf", f"choices of your own in the folder conf, beside those in {config_dir}"),
            ]
        )
    )
    return "\n\n".join(parts)


def _completion(verb: str) -> str:
    program = command(verb) if script() is not None else f"{NAME} {verb}"  # shells complete no `python -m`
    return f'eval "$({program} -sc install=bash)"; also zsh and fish'


def _header(file: Path) -> tuple[str, str]:
    """(first comment line, the indented ones after it)."""
    lines = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    examples = [f"    {line.strip()}" for line in lines[1:]]
    return (lines or [""])[0], "\n".join(examples)


def _defaults(items: list[Any]) -> Iterator[tuple[str, Any]]:
    """(group, chosen) of a defaults list, without Hydra's own groups."""
    for item in items:
        if isinstance(item, dict):
            for key, chosen in item.items():
                group = re.sub(r"^(optional|override) +", "", key).partition("@")[0]
                if group.partition("/")[0] != "hydra":
                    yield group, chosen


def _groups(config_dir: Path, defaults: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(override, choices) of each group in `defaults`, of those inside it, and of those its files place elsewhere."""
    for top, chosen in defaults.items():
        folder = config_dir / top
        for inner in [folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]:
            names = choices(inner, first=chosen if inner == folder else None)
            if len(names) > 1 or names not in ([], [chosen]):
                yield inner.relative_to(config_dir).as_posix(), ", ".join(names)
        text = "".join(path.read_text() for path in folder.rglob("*.yaml"))
        # `- /optimizer@generator_optimizer: adam` is chosen with optimizer@model.generator_optimizer=
        for group, place, default in dict.fromkeys(re.findall(r"- /(\w+)@([\w.]+): (\w+)", text)):
            yield f"{group}@{top}.{place}", ", ".join(choices(config_dir / group, first=default))


def choices(folder: Path, *, first: Any = None) -> list[str]:
    """Names of the files, `first` before the others; those with an underscore are parts, not choices."""
    names = sorted(path.stem for path in folder.glob("*.yaml") if not path.name.startswith("_"))
    return sorted(names, key=lambda name: name != first)


def _plain(value: Any) -> str:
    if value == "???":
        return "must be given"
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"\$\{hydra:runtime\.choices\.(\w+)\}", r"<\1>", text)


def table(rows: list[tuple[str, str]]) -> str:
    """Names with their texts, wrapped to the terminal."""
    width = max(len(name) for name, _ in rows) + 2
    columns = max(60, min(120, shutil.get_terminal_size((120, 24)).columns))
    wrapper = textwrap.TextWrapper(columns, subsequent_indent=" " * (4 + width))
    return "\n".join(wrapper.fill(f"    {name:{width}}{text}") for name, text in rows)
