"""Files of configurations are parsed once in a process, however often it composes: half of the time of a further composition."""

import os
import pickle

from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource

_READ: dict[tuple[object, ...], bytes] = {}


def read_once() -> None:
    """From now on Hydra, which is initialised, takes a file that has not changed from memory."""
    loader = GlobalHydra.instance().config_loader()
    loader.repository = ReadOnce(loader.config_search_path)  # type: ignore[attr-defined]


class ReadOnce(ConfigRepository):
    """Hydra's repository of configurations. What it gives is the caller's to change."""

    def load_config(self, config_path: str) -> ConfigResult | None:
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        if source is None or source.scheme() == "structured":
            return super().load_config(config_path)
        file = os.path.join(source.path, source._normalize_file_name(config_path))
        state = _state(file) if source.scheme() == "file" else () if _is_hydras(source) else None
        if state is None:
            return super().load_config(config_path)
        key = (source.scheme(), source.provider, file, *state)
        if key not in _READ:
            _READ[key] = pickle.dumps(super().load_config(config_path))
        found: ConfigResult | None = pickle.loads(_READ[key])
        return found


def _is_hydras(source: ConfigSource) -> bool:
    """Whether a source is a package of Hydra's own, which stays; any other may be edited, and its files cannot be asked."""
    return source.scheme() == "pkg" and source.path.partition(".")[0] == "hydra"


def _state(file: str) -> tuple[int, ...] | None:
    """Changes when the file does; None where it cannot be asked."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
