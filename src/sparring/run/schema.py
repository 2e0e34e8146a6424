"""The schema version of a run directory: written into each of its files, and other versions are refused.

`result.schema.json` beside this file describes `result.json`.
"""

import re
from pathlib import Path

from sparring.core.errors import CheckpointError

SCHEMA_VERSION = 2
KEY = "schema_version"
RESULT_SCHEMA = Path(__file__).with_name("result.schema.json")
HEAD = 300  # characters of a file in which the version stands
# The first version wrote none into the settings of a run and its weights.
UNSTATED = 1


def check_run(folder: Path) -> None:
    """Refuse a run directory of another schema version, without reading more of its files than their heads.

    Raises:
        CheckpointError: names the directory, its version, the one that is read, and what to do.
    """
    settings = _head(folder / ".hydra" / "config.yaml") or ""
    stated = re.search(rf"^{KEY}: (\d+)$", settings, flags=re.MULTILINE)
    check_version(folder, int(stated[1]) if stated else UNSTATED)
    for name in ("status.json", "result.json"):
        text = _head(folder / name)
        stated = re.search(rf'"{KEY}": (\d+)', text) if text is not None else None
        if stated:  # a file that a crash broke is refused by whoever reads the rest of it
            check_version(folder, int(stated[1]))


def check_version(path: Path, version: int) -> None:
    """Refuse what `path` holds unless it was written with the schema version of this sparring.

    Raises:
        CheckpointError: names the path, its version, the one that is read, and what to do.
    """
    if version < SCHEMA_VERSION:
        raise CheckpointError(
            f"{path} has schema version {version} and this sparring reads version {SCHEMA_VERSION}: do the run again, or use "
            "the sparring that wrote it."
        )
    if version > SCHEMA_VERSION:
        raise CheckpointError(
            f"{path} has schema version {version}, newer than {SCHEMA_VERSION}, which this sparring reads: update sparring."
        )


def _head(file: Path) -> str | None:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(HEAD)
    except OSError:
        return None
