"""Published weights: from a local file, or downloaded once into the cache, and never used unless their sha256 is known."""

import os
import shutil
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring.core.atomic import sha256_of, writing
from sparring.core.errors import CheckpointError, DataError, DiskError

TIMEOUT = 20.0


@dataclass(frozen=True)
class Published:
    """A file of weights on the web."""

    file_name: str
    url: str
    sha256: str


def locate(published: Published, path: str | None, cache_dir: Path) -> Path:
    """`path` if given, else the cached file, which is downloaded where it is missing or its sha256 differs.

    Args:
        published: name, address and sha256.
        path: file that the user named.
        cache_dir: holds `weights/`.

    Raises:
        DataError: no such file, no network. CheckpointError: the download is not the published file. DiskError.
    """
    if path is not None:
        file = Path(path).expanduser()
        if not file.is_file():
            raise DataError(f"{file} does not exist: give the path of {published.file_name}, or null to download it.")
        return file
    file = cache_dir / "weights" / published.file_name
    if not file.is_file() or file_sha256(file) != published.sha256:
        _download(published, file)
    return file


def file_sha256(path: Path) -> str:
    """sha256 hex of a file's bytes."""
    with path.open("rb") as file:
        return sha256_of(file)


def _download(published: Published, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{file.parent} cannot be made ({error.strerror}): set paths.cache_dir.") from error
    with writing(file) as temporary:
        try:
            response = urllib.request.urlopen(published.url, timeout=TIMEOUT)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{published.url} cannot be fetched ({error}): download it where there is network and give the file with"
                " metric.features.path=<file>."
            ) from error
        with response, temporary.open("xb") as target:
            shutil.copyfileobj(response, target, 1 << 20)
        sha256 = file_sha256(temporary)
        if sha256 != published.sha256:
            raise CheckpointError(
                f"The file from {published.url} has the sha256 {sha256[:12]}..., expected {published.sha256[:12]}...: nothing was"
                " kept; try again or give the file with metric.features.path=<file>."
            )
        os.replace(temporary, file)


def read_state(path: Path) -> dict[str, Tensor]:
    """The state dict in a .pth file, without executing pickles. Raises CheckpointError."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the broken bytes make of its reader
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path} is no readable file of weights ({reason}): give another copy.") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(f"{path} holds no state dict of tensors: give the published file.")
    return state


def fill(network: nn.Module, state: dict[str, Tensor], path: Path) -> nn.Module:
    """`network` with the tensors of `state`, every one of them used. Raises CheckpointError naming what differs."""
    own = network.state_dict()
    # Files of older PyTorch have no batch counters, and evaluation does not read them.
    missing = [name for name in own if name not in state and not name.endswith("num_batches_tracked")]
    extra = [name for name in state if name not in own]
    other = [name for name in own if name in state and own[name].shape != state[name].shape]
    if missing or extra or other:
        raise CheckpointError(
            f"{path} are not the weights of {type(network).__name__}: missing {missing[:3]}, unknown {extra[:3]}, of another"
            f" shape {other[:3]}."
        )
    network.load_state_dict(state, strict=False)
    return network
