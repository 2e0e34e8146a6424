"""`--cfg job`: the settings as Hydra prints them, with the comments of conf/ beside their values."""

import contextlib
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sparring.config.comments import settings_of
from sparring.core.terminal import say

COLUMN = 48  # where the comments of `--cfg` stand, if a line is not longer


def commented(printed: str, comments: Mapping[str, str]) -> str:
    """A configuration as Hydra prints it, a comment behind each setting that has one; it stays the same YAML."""
    package = re.match(r"# @package ([\w.]+)\n", printed)
    prefix = f"{package[1]}." if package else ""
    lines = printed.splitlines()
    root = yaml.compose(printed)
    if isinstance(root, yaml.MappingNode):
        for name, line, last in _places(root, prefix):
            if line == last and (comment := comments.get(name)):
                lines[line] = f"{lines[line]:{COLUMN}}  # {comment}"
    return "\n".join(lines)


def _places(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, int, int]]:
    """(dotted key, its line, the last line that its text reaches)."""
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        scalar = isinstance(value, yaml.ScalarNode)
        yield name, key.start_mark.line, value.end_mark.line if scalar else key.start_mark.line
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            yield from _places(value, f"{name}.")


def comments(config_name: str, overrides: Sequence[str]) -> dict[str, str]:
    """By dotted key: the comments of the files that a configuration is composed of. Inside of `config.compose.hydra_at`."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    loader: Any = GlobalHydra.instance().config_loader()
    found: dict[str, str] = {}
    places = [Path(source.path.removeprefix("file://")) for source in loader.get_sources()]
    for each in loader.compute_defaults_list(config_name, list(overrides), RunMode.RUN).defaults:
        files = (place / f"{each.config_path}.yaml" for place in places)
        file = next((file for file in files if file.is_file()), None)
        if file is None or each.package == "hydra":  # Hydra's own settings
            continue
        prefix = f"{each.package}." if each.package else ""
        found |= {f"{prefix}{name}": comment for name, _, comment in settings_of(file.read_text("utf-8")) if comment}
    return found


def with_comments(show: Callable[[], None], config_name: str, overrides: Sequence[str], config_dir: Path) -> None:
    """Call `show`, which prints a configuration, and print that with the comments of its files."""
    from sparring.config.compose import hydra_at

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        show()
    with hydra_at(config_dir, config_name):
        known = comments(config_name, overrides)
    say(commented(printed.getvalue(), known), file=sys.stdout)
