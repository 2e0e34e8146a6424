"""Network weights in safetensors, with the hash of their content inside the file.

safetensors itself checks the header and the length only; a flipped bit in a weight would load in silence.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError
from sparring.run.schema import KEY, SCHEMA_VERSION, UNSTATED, check_version

_HASH_KEY = "content_sha256"


def content_hash(tensors: dict[str, Tensor]) -> str:
    """sha256 hex digest over names, types, shapes and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def save(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write `tensors` (any device, any strides) to `path` in one step.

    Args:
        metadata: texts to store with them.

    Raises:
        DiskError: when it could not be written; an older file is intact.
    """
    # Copies: safetensors refuses tensors that share memory.
    plain = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    write_atomic(path, serialize(plain, {**metadata, KEY: str(SCHEMA_VERSION), _HASH_KEY: content_hash(plain)}))


def load(path: Path) -> dict[str, Tensor]:
    """Read the tensors of `path` on the CPU.

    Raises:
        CheckpointError: when the file is missing, truncated, altered, or of another schema version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except Exception as error:  # safetensors and torch raise whatever a damaged header leads them to
        raise _unreadable(path, error) from error
    _check_version(path, metadata)
    if metadata.get(_HASH_KEY) != content_hash(tensors):
        raise CheckpointError(f"{path} is altered (its values do not match the hash stored with them); restore a copy.")
    return tensors


def stored_metadata(path: Path) -> dict[str, str]:
    """What `save` was given as metadata, the content hash and the schema version.

    Raises:
        CheckpointError: when the file is missing, truncated, or of another schema version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
    except Exception as error:  # as above
        raise _unreadable(path, error) from error
    _check_version(path, metadata)
    return metadata


def stored_hash(path: Path) -> str:
    """The content hash inside `path`; equal weights have equal hashes.

    Raises:
        CheckpointError: the file is missing, truncated, of another schema version, or not written by sparring.
    """
    metadata = stored_metadata(path)
    if _HASH_KEY not in metadata:
        raise CheckpointError(f"{path} was not written by sparring: it has no {_HASH_KEY} in its metadata.")
    return metadata[_HASH_KEY]


def _check_version(path: Path, metadata: Mapping[str, str]) -> None:
    if _HASH_KEY in metadata:  # otherwise it was not written by sparring, which the caller finds out
        stated = metadata.get(KEY, str(UNSTATED))
        if not (stated.isascii() and stated.isdecimal()):
            raise CheckpointError(f"{path} is altered (its {KEY} is {stated!r} and no number); restore a copy.")
        check_version(path, int(stated))


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    if not path.exists():
        return CheckpointError(f"{path} does not exist: the run has saved no weights yet; let it go on with resume=.")
    return CheckpointError(f"{path} is truncated or no safetensors file ({error}); restore a copy.")
