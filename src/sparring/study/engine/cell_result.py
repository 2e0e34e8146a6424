"""A finished cell with the content of its result.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.core.errors import ConfigError
from sparring.study.engine.cell import Cell


@dataclass(frozen=True)
class CellResult:
    """A finished cell.

    Args:
        cell: as the study declared it.
        config: its settings as the study composed them; what a file of the cell says names no place to write.
        run: its run directory.
        result: the content of its result.json.
        inputs: names of the cells that it read.
    """

    cell: Cell
    config: Mapping[str, Any]
    run: Path
    result: Mapping[str, Any]
    inputs: tuple[str, ...]

    def get(self, *path: str) -> Any:
        """The entry of result.json at `path`, for example ("metrics", "test/accuracy", "value").

        Raises:
            ConfigError: there is no such entry.
        """
        value: Any = self.result
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                keys = ", ".join(map(str, value)) if isinstance(value, Mapping) else "no entries"
                raise ConfigError(f"{self.run}/result.json has no {' > '.join(path)}; at {key} there is {keys}.")
            value = value[key]
        return value
