"""What all pages share: the template with automatic escaping, embedded pictures, and plain values as text."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ReportPicture:
    """A picture embedded in a page: its caption and its `data:` address."""

    caption: str
    uri: str


def template(name: str) -> Any:
    """A jinja2 template of this folder, with automatic escaping."""
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def duration(seconds: float) -> str:
    """11.9 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60:02d} min"


def flat(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(dotted key, text) of every leaf that is set."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", str(value)


def machine(environment: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The most important entries of the environment."""
    packages, git = environment.get("packages") or {}, environment.get("git") or {}
    if environment.get("device"):
        yield "Device", f"{environment['device']}, {environment.get('usable_cores')} processor cores"
    for name, version in (
        ("Python", environment.get("python")),
        *((key, packages.get(key)) for key in ("torch", "lightning")),
    ):
        if version:
            yield name, str(version)
    if git.get("commit"):
        yield "Code", f"{git['commit'][:12]}{', with uncommitted changes' if git.get('changed') else ''}"
