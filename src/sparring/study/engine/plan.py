"""From the cells of a study to what will run, in which order, and under which key its result is cached."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.core.errors import ConfigError
from sparring.core.progress import tracked
from sparring.data.mix.base import mixed_rows
from sparring.run.environment import config_hash
from sparring.study.engine.cell import REFERENCE, Cell
from sparring.study.engine.compose import Composer


@dataclass(frozen=True)
class Planned:
    """A cell with its configuration, its place in the order and its cache key.

    Args:
        cell: as the study declared it.
        config: plain and resolved, references to other cells replaced by their run directories.
        inputs: names of the cells that it refers to.
        key: sha256 hex of settings, inputs' keys and code; a finished cell of the same key need not run again.
        folder: its run directory.
        start: run directory of the cell that it goes on from; None: it starts anew.
    """

    cell: Cell
    config: dict[str, Any]
    inputs: tuple[str, ...]
    key: str
    folder: Path
    start: Path | None = None


def plan(cells: Sequence[Cell], composer: Composer, folder: Path, code: str) -> list[Planned]:
    """The cells in an order in which each comes after its inputs, otherwise as given; duplicates of a name are one.

    Args:
        cells: what the study declares.
        composer: composes their configurations.
        folder: the study's `cells` folder.
        code: hash of the code, see `source_hash.digest`.

    Raises:
        ConfigError: a configuration does not compose, cells contradict each other, or something that was typed would be ignored.
    """
    by_name = _unique(cells)
    composed = {
        name: _composed(cell, composer, folder / name) for name, cell in tracked(by_name.items(), "planning: run")
    }
    composer.check_typed()
    inputs = {name: tuple(dict.fromkeys(_inputs(by_name[name], composed[name], by_name))) for name in composed}
    planned: dict[str, Planned] = {}
    for name in _ordered(inputs):
        keys = {other: REFERENCE + planned[other].key for other in inputs[name]}
        folders = {other: str(planned[other].folder) for other in inputs[name]}
        identity = config_hash(_replaced(composed[name], keys))
        cell = by_name[name]
        started = [keys[cell.continues]] if cell.continues else []
        text = json.dumps([cell.verb, identity, code, *started])
        planned[name] = Planned(
            cell=cell, config=_replaced(composed[name], folders), inputs=inputs[name],
            key=hashlib.sha256(text.encode()).hexdigest(), folder=folder / name,
            start=planned[cell.continues].folder if cell.continues else None,
        )  # fmt: skip
    for each in planned.values():
        _check_fraction(each)
        _check_labelled(each, planned)
    return list(planned.values())


def _check_fraction(each: Planned) -> None:
    data = each.config.get("data") or {}
    if (mix := data.get("mix")) and each.cell.verb == "train":
        try:
            mixed_rows(mix["fraction"], data["batch_size"])
        except ConfigError as error:
            raise ConfigError(f"cell {each.cell.name}: {error}") from None


def _check_labelled(each: Planned, planned: Mapping[str, Planned]) -> None:
    """Raise ConfigError for a classifier that would learn from unlabelled images of an unconditional generator."""
    mix = (each.config.get("data") or {}).get("mix") or {}
    if "images" not in mix or mix["labeller"] is not None:
        return
    pools = [planned[name] for name in each.inputs if planned[name].cell.verb == "generate"]
    for generator in (name for pool in pools for name in pool.inputs):
        conditioning = (planned[generator].config.get("model") or {}).get("conditioning") or {}
        if str(conditioning.get("_target_")).endswith(".NoConditioning"):
            raise ConfigError(
                f"cell {each.cell.name} needs images with labels, and the generator of cell {generator} is unconditional"
                ' (model/conditioning=none): give its recipe "model/conditioning=concat" and "model/head=projection" too, or let'
                " a pseudo-labeller label its images in a training outside of a study (data/mix=images data.mix.labeller=<run>)."
            )


def _unique(cells: Sequence[Cell]) -> dict[str, Cell]:
    by_name: dict[str, Cell] = {}
    for cell in cells:
        if by_name.setdefault(cell.name, cell) != cell:
            raise ConfigError(f"two cells are named {cell.name} and differ; give each its own name.")
    for name in by_name:
        parts = name.split("/")
        for end in range(1, len(parts)):
            if (outer := "/".join(parts[:end])) in by_name:
                raise ConfigError(f"cell {name} would lie inside cell {outer}; rename one of them.")
    return by_name


def _composed(cell: Cell, composer: Composer, folder: Path) -> dict[str, Any]:
    try:
        composer.check_overrides(cell)
        return composer(cell.verb, cell.overrides, folder, cell.data_section)
    except ConfigError as error:
        raise ConfigError(f"cell {cell.name}: {error}") from error


def _inputs(cell: Cell, config: Mapping[str, Any], cells: Mapping[str, Cell]) -> Iterator[str]:
    if cell.continues:
        if cell.continues not in cells:
            raise ConfigError(f"cell {cell.name} goes on from {cell.continues}, but there is no such cell.")
        yield cell.continues
    for text in _strings(config):
        if text.startswith(REFERENCE):
            other = _referred_cell(text, cells)
            if other is None:
                raise ConfigError(f"cell {cell.name} refers to {text}, but there is no such cell.")
            yield other


def _referred_cell(text: str, cells: Mapping[str, Any]) -> str | None:
    """The cell whose name is all of the path after `cell:`, or the longest beginning of it."""
    parts = text.removeprefix(REFERENCE).split("/")
    names = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((name for name in names if name in cells), None)


def _strings(node: Any) -> Iterator[str]:
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for child in children:
        yield from _strings(child)
    if isinstance(node, str):
        yield node


def _replaced(node: Any, replacements: Mapping[str, str]) -> Any:
    """`node` with the `cell:<name>` of every reference replaced, by the name of the cell."""
    if isinstance(node, Mapping):
        return {key: _replaced(child, replacements) for key, child in node.items()}
    if isinstance(node, list):
        return [_replaced(child, replacements) for child in node]
    if isinstance(node, str) and node.startswith(REFERENCE):
        name = _referred_cell(node, replacements)
        assert name is not None
        return replacements[name] + node.removeprefix(REFERENCE + name)
    return node


def _ordered(inputs: Mapping[str, Sequence[str]]) -> list[str]:
    """Depth first: the inputs of a cell just before it. Raises ConfigError for a cycle."""
    order: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ConfigError(f"the cells {', '.join(path)} wait for each other.")
        for other in inputs[name]:
            visit(other, (*path, name))
        order[name] = None

    for name in inputs:
        visit(name, ())
    return list(order)
