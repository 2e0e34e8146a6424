"""Data sets with a name: read from `data.path` in any of their formats, else a system folder, else the HF hub."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from sparring.core.errors import DataError
from sparring.data.reading.download import fetch
from sparring.data.reading.format import Files, Format
from sparring.data.reading.format.npz import Npz
from sparring.data.reading.format.parquet import Parquet
from sparring.data.reading.source import Location, Reading, Source, file_identity


class PublicSource(Source):
    """A well-known data set: subclasses state facts only.

    formats: what `data.path` may hold besides parquet and npz; label_columns: names to try in parquet files;
    system_folder: where a package of the operating system puts the data set.
    """

    channels: int | None
    image_size: int | None
    class_names: ClassVar[tuple[str, ...]] = ()
    hub_id: ClassVar[str | None] = None
    hub_config: ClassVar[str | None] = None
    label_columns: ClassVar[tuple[str, ...]] = ("label",)
    formats: ClassVar[tuple[Format, ...]] = ()
    system_folder: ClassVar[Path | None] = None

    def identity(self, location: Location) -> dict[str, Any]:
        columns = [location.image_column, location.label_column]
        local = self._local(location)
        if local is None:
            hub = self._hub(location)
            return {"hub": [hub.hub_id, hub.hub_config, hub.revision], "columns": columns}
        _, files, root = local
        return {"files": file_identity((file for group in files.values() for file in group), root), "columns": columns}

    def read(self, location: Location) -> Reading:
        local = self._local(location)
        if local is not None:
            format_, files, root = local
            return self.reading(format_, files, {"path": str(root)}, location)
        hub = self._hub(location)
        files, commit = fetch(hub)
        origin = {"hub_id": hub.hub_id, "hub_config": hub.hub_config, "commit": commit}
        return self.reading(self._parquet(location), files, origin, location)

    def reading(self, format_: Format, files: Files, origin: dict[str, Any], location: Location) -> Reading:
        """The stream of `files`, which are in `format_`. origin: facts for the record."""
        return Reading(self.class_names, format_.read(files), origin)

    def _hub(self, location: Location) -> Location:
        own = location.hub_id in (None, self.hub_id)  # another data set does not share this one's configuration name
        hub_config = location.hub_config or (self.hub_config if own else None)
        return replace(location, hub_id=location.hub_id or self.hub_id, hub_config=hub_config)

    def _parquet(self, location: Location) -> Parquet:
        parquet = Parquet(label_columns=(location.label_column,) if location.label_column else self.label_columns)
        return replace(parquet, image_columns=(location.image_column,)) if location.image_column else parquet

    def _local(self, location: Location) -> tuple[Format, Files, Path] | None:
        """Format, files and folder of the local copy, or None to use the hub."""
        formats = (self._parquet(location), *self.formats, Npz())
        if location.path is not None:
            format_, files = find_local(location.path, formats)
            return format_, files, location.path if location.path.is_dir() else location.path.parent
        if (
            self.system_folder is not None
            and self.system_folder.is_dir()
            and not (location.hub_id or location.revision)
        ):
            for candidate in formats:
                installed = candidate.find(self.system_folder)
                if installed:
                    return candidate, installed, self.system_folder
        return None


def find_local(path: Path, formats: tuple[Format, ...]) -> tuple[Format, Files]:
    """The first format that recognises `path`; DataError if it is missing, empty or holds none of them."""
    check_path(path)
    for format_ in formats:
        files = format_.find(path)
        if files:
            return format_, files
    known = "; ".join(format_.description for format_ in formats)
    present = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) if path.is_dir() else path.name
    raise DataError(f"data.path={path} holds none of the formats of this data set ({known}), only {present}.")


def check_path(path: Path) -> None:
    """DataError if `path` is missing or empty."""
    if not path.exists():
        raise DataError(f"data.path={path} does not exist: give the folder or file that holds the data set.")
    if not os.access(path, os.R_OK):
        raise DataError(f"data.path={path} cannot be read: check its permissions.")
    if path.is_dir() and not any(path.iterdir()):
        raise DataError(f"data.path={path} is an empty folder: give the folder or file that holds the data set.")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"data.path={path} is an empty file: get it again.")
