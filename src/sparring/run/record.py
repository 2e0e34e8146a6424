"""The JSON files of a run directory: plain values, with the schema version in front."""

import json
import math
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError
from sparring.run.schema import KEY, SCHEMA_VERSION, check_version


def record_text(content: dict[str, Any]) -> str:
    """`content` and the schema version as JSON; numbers that are not finite become null, as JSON has none."""
    return json.dumps({KEY: SCHEMA_VERSION, **_finite(content)}, indent=2, allow_nan=False) + "\n"


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write `content` and the schema version to `path` in one step.

    Raises:
        DiskError: it could not be written; an older file is intact.
    """
    write_atomic(path, record_text(content).encode())


def read_record(path: Path) -> dict[str, Any]:
    """The content of `path`, with its schema version.

    Raises:
        CheckpointError: it is damaged, or of another schema version.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        version = int(content[KEY])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged or was not written by sparring; restore it from a copy.") from error
    check_version(path, version)
    return content


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
