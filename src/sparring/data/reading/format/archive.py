"""Files by their exact names, from a folder or streamed out of a tar: nothing is ever extracted to disk."""

import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from sparring.core.errors import DataError
from sparring.data.reading.format import check_unpacked

SUFFIXES = (".tar", ".tar.gz", ".tgz")
LIMIT = 2**29  # bytes of one member: the largest that a known data set has is half of it
PEEK = 16  # members looked at to recognise an archive


def locate(path: Path, names: Sequence[str], folder: str, archive: str) -> list[Path] | None:
    """Paths of `names` at `path` or in its sub-folder, or [tar] if `path` or its `archive` holds them."""
    if path.is_file():
        return [path] if path.name.endswith(SUFFIXES) and _recognised(path, names) else None
    for place in (path, path / folder):
        if all((place / name).is_file() for name in names):
            return [place / name for name in names]
    tar = path / archive
    return [tar] if tar.is_file() and _recognised(tar, names) else None


def contents(files: Sequence[Path], names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(where, bytes) of each name, in their order. Raises DataError for a broken or incomplete archive."""
    if files[0].name.endswith(SUFFIXES):
        members = _stream(files[0], names)
        for name in names:
            yield f"{files[0]}:{name}", members.pop(name)
    else:
        for file in files:
            try:
                yield str(file), file.read_bytes()
            except OSError as error:
                raise DataError(
                    f"{file} cannot be read ({error.strerror}): check its permissions and the disk."
                ) from error


def _recognised(tar: Path, names: Sequence[str]) -> bool:
    try:
        with tarfile.open(tar, "r|*") as stream:
            return any(PurePosixPath(member.name).name in names for member, _ in zip(stream, range(PEEK), strict=False))
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise _broken(tar, error) from error


def _stream(tar: Path, names: Sequence[str]) -> dict[str, bytes]:
    contents_by_name: dict[str, bytes] = {}
    try:
        with tarfile.open(tar, "r|*") as stream:
            passed = 0
            for member in stream:
                passed += member.size
                check_unpacked(passed, tar)
                name = PurePosixPath(member.name).name
                if not member.isfile() or name not in names:
                    continue
                if member.size > LIMIT:
                    raise DataError(
                        f"{tar} declares {member.size} bytes for {name}, more than any known data set: get it again."
                    )
                file = stream.extractfile(member)
                contents_by_name[name] = file.read() if file else b""
                if len(contents_by_name) == len(names):
                    return contents_by_name
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise _broken(tar, error) from error
    missing = ", ".join(name for name in names if name not in contents_by_name)
    raise DataError(f"{tar} lacks {missing}: it is incomplete or another data set; get it again.")


def _broken(tar: Path, error: Exception) -> DataError:
    return DataError(f"{tar} is no readable tar archive or is truncated ({error}): get it again.")
