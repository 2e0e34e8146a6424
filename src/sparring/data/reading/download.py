"""Parquet files of a data set on the HF hub: from the hub's own local cache, else over the network.

Fetched by huggingface_hub, which checks lengths and renames whole files into place. Nothing here retries: a machine
without network gets its answer within TIMEOUT seconds.
"""

import errno
import re
from pathlib import Path
from typing import Any

from sparring.core.errors import ConfigError, DataError, DiskError
from sparring.data.reading.format import Files
from sparring.data.reading.format.parquet import split_files
from sparring.data.reading.source import Location

TIMEOUT = 8.0
CONVERTED = "refs/convert/parquet"  # branch on which the hub keeps its own conversion of data sets in other formats
DEFAULT_FOLDERS = ("", "data", "default")


def fetch(location: Location) -> tuple[Files, str]:
    """Files of each split and the commit they belong to. Raises DataError if they can be had from nowhere."""
    revisions = [location.revision] if location.revision else ["main", CONVERTED]
    cached = next(filter(None, (_cached(location, revision) for revision in revisions)), None)
    if cached is not None and "test" in cached[0]:
        return cached
    try:
        return _download(location, revisions)
    except (ConfigError, DataError):
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise DiskError(
                f"{location.hub_id} cannot be stored in the HF cache: {error}; free space or set HF_HOME."
            ) from error
        return _without_network(location, cached, error)
    except Exception as error:  # the HTTP library, and so its exceptions, depend on the version of huggingface_hub
        return _without_network(location, cached, error)


def _without_network(location: Location, cached: tuple[Files, str] | None, error: Exception) -> tuple[Files, str]:
    """The local cache of a data set without test split, which the hub could not confirm; DataError if there is none."""
    if cached is not None:
        return cached
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    raise DataError(
        f"{location.hub_id} is not in the cache and the HF hub cannot be used ({reason}): run"
        f" `hf download {location.hub_id} --repo-type dataset` where there is network, or give a local copy with"
        " data.path=<folder or file>."
    ) from error


def choose_files(names: list[str], hub_config: str | None, hub_id: str | None) -> dict[str, list[str]]:
    """Parquet names of each split, those of `hub_config` (a folder) where the data set has several configurations."""
    names = [name for name in names if name.endswith(".parquet") and "partial-" not in name]
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.split("/")[0] if "/" in name else "", []).append(name)
    if hub_config is not None and hub_config in folders:
        return split_files(folders[hub_config])
    default = [folder for folder in DEFAULT_FOLDERS if folder in folders] or list(folders)
    if len(default) > 1 or (hub_config is not None and folders):
        known = ", ".join(sorted(folders))
        raise ConfigError(f"{hub_id} has the configurations {known}: set data.hub_config to one of them.")
    return split_files(folders[default[0]]) if default else {}


def _cached(location: Location, revision: str) -> tuple[Files, str] | None:
    """What the hub's local cache holds of a revision. Read by its documented layout: huggingface_hub itself refuses a
    snapshot that lacks any file, and an earlier `fetch` left only those that are needed."""
    from huggingface_hub.constants import HF_HUB_CACHE

    repository = Path(HF_HUB_CACHE) / f"datasets--{str(location.hub_id).replace('/', '--')}"
    reference = repository / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = repository / "snapshots" / commit
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*.parquet") if file.exists()]
    groups = choose_files(names, location.hub_config, location.hub_id)
    if "train" not in groups or not all(_whole(group) for group in groups.values()):
        return None
    return _paths(folder, groups), commit


def _paths(folder: Path, groups: dict[str, list[str]]) -> Files:
    return {split: [folder / name for name in names] for split, names in groups.items()}


def _whole(names: list[str]) -> bool:
    """Whether the shards `...-00000-of-00003.parquet` are all there."""
    counts = [int(match[1]) for name in names if (match := re.search(r"-\d+-of-(\d+)", name))]
    return not counts or len(names) == counts[0]


def _download(location: Location, revisions: list[str]) -> tuple[Files, str]:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import RevisionNotFoundError

    hub_id = str(location.hub_id)
    for revision in revisions:
        try:
            info: Any = HfApi().dataset_info(hub_id, revision=revision, timeout=TIMEOUT)
        except RevisionNotFoundError:
            continue
        groups = choose_files([file.rfilename for file in info.siblings], location.hub_config, hub_id)
        if "train" in groups:
            wanted = [name for group in groups.values() for name in group]
            folder = snapshot_download(
                hub_id, repo_type="dataset", revision=revision, allow_patterns=wanted, etag_timeout=TIMEOUT
            )
            return _paths(Path(folder), groups), Path(folder).name
    raise DataError(
        f"{hub_id} has no parquet files of a train split at revision {' or '.join(revisions)}: set data.revision or"
        " data.path."
    )
