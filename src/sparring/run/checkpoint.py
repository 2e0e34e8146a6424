"""Checkpoints that survive kill -9, full disks and bit rot, and never run code when loaded.

Next to `last.ckpt` lie `last.ckpt.sha256` and the checkpoint before it, `previous.ckpt`, with its own sidecar. While
a file is being switched its sidecar lists the digests of the old *and* the new content, so there is no moment at which
a killed process leaves a file that its sidecar does not vouch for.
"""

import contextlib
import hashlib
import logging
import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from sparring.core.atomic import sha256_of, sweep, sync_file, sync_folder, writing
from sparring.core.errors import CheckpointError
from sparring.run import sidecar

log = logging.getLogger(__name__)
_warned_of: set[Path] = set()

_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+:/")
AGAIN: dict[str, Any] = {"again": True}  # of `save_checkpoint`


class VerifiedCheckpointIO(CheckpointIO):
    """Lightning plugin that saves and loads as this module describes: `Trainer(plugins=[VerifiedCheckpointIO()])`.

    Only one process may save into a folder at a time; `RunDir`'s lock sees to that.
    """

    def __init__(self) -> None:
        self._swept: set[Path] = set()

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to `path`, keeping what was there as `previous_path(path)`.

        Args:
            checkpoint: tensors and plain containers.
            storage_options: None, or AGAIN for the same iteration as before, which does not push out the file before it.

        Raises:
            DiskError: when it could not be written or read back; the earlier files are intact.
            CheckpointError: when `path` is a URL.
        """
        if storage_options not in (None, AGAIN):
            raise TypeError("VerifiedCheckpointIO writes local files only and takes no storage_options.")
        target = _local(path)
        with writing(target) as temporary:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.parent not in self._swept:
                sweep(target.parent)
                self._swept.add(target.parent)
            digest = _write(checkpoint, temporary)
            old_digests = _keep_previous(target, again=storage_options == AGAIN)
            sidecar.write(target, *old_digests, digest)
            os.replace(temporary, target)
            sync_folder(target.parent)
            sidecar.keep_only(target, digest)

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any | None = "cpu", weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Load `path`, or `previous_path(path)` with a warning when `path` is missing, truncated or altered.

        Args:
            map_location: device of the tensors.
            weights_only: part of Lightning's interface; only tensors and plain containers are loaded in any case.

        Raises:
            CheckpointError: when neither file is intact, it holds other objects than data, or `path` is a URL.
        """
        target = _local(path)
        device = "cpu" if map_location is None else map_location
        try:
            return _load(target, device)
        except _Damaged as damage:
            previous = previous_path(target)
            try:
                checkpoint = _load(previous, device)
            except _Damaged as second:
                raise CheckpointError(
                    f"No usable checkpoint: {damage}, and {second}; start a new run or restore the files from a copy."
                ) from second
            if target not in _warned_of:  # a resumed run loads it twice, once itself and once through Lightning
                log.warning("%s; going on from the checkpoint before it, %s.", damage, previous)
            _warned_of.add(target)
            return checkpoint

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Remove the checkpoint, the one kept before it, and their sidecars."""
        target = _local(path)
        for file in (target, previous_path(target)):
            file.unlink(missing_ok=True)
            sidecar.path_for(file).unlink(missing_ok=True)


def previous_path(path: Path) -> Path:
    """Where the checkpoint before `path` is kept: `previous.ckpt` for `last.ckpt`, else `previous-<name>`."""
    return path.with_name("previous.ckpt" if path.name == "last.ckpt" else f"previous-{path.name}")


class _Damaged(Exception):
    """A checkpoint that is missing or does not match its sidecar; the message is a clause for a longer sentence."""


class _HashingWriter:
    """File object for `torch.save`: hashes what passes, and keeps write errors away from torch's C++ code."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self.file.write(data)
                self.hash.update(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        pass  # `_write` flushes and reports errors itself


def _write(checkpoint: dict[str, Any], path: Path) -> str:
    """Serialise to the new file `path`, read it back, and return its sha256 hex digest."""
    with path.open("xb") as file:
        writer = _HashingWriter(file)
        torch.save(checkpoint, writer)  # type: ignore[arg-type]
        if writer.error is not None:
            raise writer.error
        sync_file(file)
    expected = writer.hash.hexdigest()
    with path.open("rb") as file:
        if sha256_of(file) != expected:
            raise OSError(None, "what was read back differs from what was written")
        _check_loadable(file)
    return expected


def _check_loadable(file: BinaryIO) -> None:
    """Refuse now, while the old checkpoint is in place, what `load_checkpoint` would refuse later."""
    try:
        torch.load(file, map_location="meta", weights_only=True)  # "meta": reads the structure and no tensor data
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"The state to save holds {_culprit(error)}, which could not be loaded again safely; "
            "keep to tensors, numbers, strings, lists and dicts in state_dict and hyper-parameters."
        ) from error


def _culprit(error: pickle.UnpicklingError) -> str:
    """The name of the refused class or function in torch's page-long message."""
    name = re.search(r"GLOBAL ([\w.]+)", str(error))
    return name.group(1) if name else str(error).rpartition("WeightsUnpickler error: ")[2].splitlines()[0]


def _keep_previous(target: Path, *, again: bool) -> list[str]:
    """Put a link to an intact `target` in the place of its predecessor, but not `again`; its digest, if there is one."""
    try:
        with target.open("rb") as file:
            digest = sha256_of(file)
    except FileNotFoundError:
        return []
    if digest not in sidecar.read(target):
        # A damaged file must not push out the good one before it.
        return []
    if again:
        return [digest]
    previous = previous_path(target)
    with writing(previous) as temporary:
        try:
            os.link(target, temporary)
        except OSError:  # the file system has no hard links: copy
            shutil.copyfile(target, temporary)
            with temporary.open("rb+") as file:
                sync_file(file)
        sidecar.write(previous, *sidecar.read(previous), digest)
        os.replace(temporary, previous)
        sync_folder(previous.parent)
        sidecar.keep_only(previous, digest)
    return [digest]


def _load(path: Path, map_location: Any) -> dict[str, Any]:
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(path.open("rb"))
            except OSError as error:
                raise _Damaged(f"{path} cannot be read ({error.strerror})") from error
            if sha256_of(file) in sidecar.read(path):
                return _unpack(file, path, map_location)
            switched = _inode(path) != os.fstat(file.fileno()).st_ino
        if not switched:  # otherwise a running training replaced the file between the two reads: try again
            break
    if not sidecar.path_for(path).exists():
        raise _Damaged(f"{path} has no {sidecar.path_for(path).name} to check it against")
    raise _Damaged(f"{path} is truncated or altered (it does not match {sidecar.path_for(path).name})")


def _unpack(file: BinaryIO, path: Path, map_location: Any) -> dict[str, Any]:
    try:
        checkpoint = torch.load(file, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is refused: it holds other things than tensors and plain values ({_culprit(error)}), which could "
            "run code when loaded; use a checkpoint that sparring wrote."
        ) from error
    except Exception as error:  # torch's reader raises whatever its parts do
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise CheckpointError(f"{path} is intact but torch cannot load it to {map_location}: {reason}.") from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f"{path} holds a {type(checkpoint).__name__}, expected a training checkpoint.")
    return checkpoint


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _local(path: str | os.PathLike[str]) -> Path:
    if _URL.match(os.fspath(path)):
        raise CheckpointError(f"{os.fspath(path)} is a URL; download the run directory first, then name its path.")
    return Path(path)
