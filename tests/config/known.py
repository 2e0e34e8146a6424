"""Every setting and choice of conf/, read from its files: composing takes a second for each preset."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from sparring.core.package import CONFIG_DIR


def below(node: Any, prefix: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield f"{prefix}{key}"
            yield from below(child, f"{prefix}{key}.")


@cache
def names() -> dict[str, set[str]]:
    """Every setting and group that some composition of conf/ has -> the choices of a group, empty for a setting."""
    known: dict[str, set[str]] = {}
    for file in CONFIG_DIR.rglob("*.yaml"):
        group, text = file.relative_to(CONFIG_DIR).parent.as_posix(), file.read_text()
        package = re.search(r"@package (\S+)", text)
        place = package[1] if package else group.replace("/", ".")
        prefix = "" if place in (".", "_global_") else f"{place}."
        content = yaml.safe_load(text) or {}
        for default in content.pop("defaults", []):
            where = re.fullmatch(r"/?(\w+)@([\w.]+)", next(iter(default))) if isinstance(default, dict) else None
            if where:  # a leaf placed elsewhere: /optimizer@generator_optimizer
                for leaf in (CONFIG_DIR / where[1]).glob("*.yaml"):
                    at = f"{prefix}{where[2]}"
                    known.setdefault(at, set())
                    known.update({key: set() for key in below(yaml.safe_load(leaf.read_text()), f"{at}.")})
        known.update({name: known.get(name, set()) for name in below(content, prefix)})
        if group != ".":
            known.setdefault(group, set()).add(file.stem)
    return known


def unknown(override: str) -> bool:
    """Whether `override` names a setting or choice that conf/ does not have."""
    key, _, value = override.lstrip("+~").partition("=")
    group, _, place = key.partition("@")
    choices = names().get(group, set())
    chosen = {name.strip() for name in value.strip("'[]").split(",")} - {"", "null"}
    if place:
        return place.rpartition(".")[0] not in names() or not chosen <= choices
    return key not in names() or bool(choices and not chosen <= choices)
