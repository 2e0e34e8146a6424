"""Image files of strangers: which files of a folder are images, and how one of them is opened.

Pillow knows formats that are programs (EPS goes to Ghostscript where that is installed), so a file is opened as one of a few
raster formats or not at all, whatever its name says.
"""

import os
import re
import stat
import struct
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO", "JPEG2000", "AVIF")
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
# Folders that file managers, operating systems and notebooks leave behind; hidden ones are skipped by their dot.
SYSTEM_FOLDERS = frozenset(
    {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__"}
)


def open_image(data: bytes | Path) -> Image.Image:
    """The image in a file or in bytes, opened but not decoded yet.

    Raises:
        OSError, ValueError: no image of `FORMATS`, or no regular file (a pipe would be waited for without end).
    """
    if isinstance(data, bytes):
        return Image.open(BytesIO(data), formats=_formats())
    if not stat.S_ISREG(data.stat().st_mode):
        raise ValueError("it is a pipe, a device or a folder and no regular file")
    return Image.open(data, formats=_formats())


def image_files(folder: Path) -> list[Path]:
    """The image files below `folder`, sorted naturally; hidden and system folders are skipped at every level.

    A symbolic link to a folder is followed, each folder once.
    """
    return sorted(_walk(folder, set()), key=lambda file: natural(file.as_posix()))


def sub_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that somebody meant to be there, sorted naturally."""
    entries = (entry for entry in folder.iterdir() if entry.is_dir() and not _is_system(entry.name))
    return sorted(entries, key=lambda entry: natural(entry.name))


def is_image(name: str) -> bool:
    """Whether a file is called as images of a known format are."""
    return Path(name).suffix.lower() in _suffixes()


def natural(text: str) -> list[tuple[int, int | str]]:
    """A sort key under which 2 comes before 10: runs of digits count as numbers."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _walk(folder: Path, visited: set[str]) -> Iterator[Path]:
    known = _suffixes()
    for base, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(base)
        if real in visited:
            folders[:] = []
            continue
        visited.add(real)
        folders[:] = [name for name in folders if not _is_system(name)]
        yield from (
            Path(base, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in known
        )


def _is_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@cache
def _suffixes() -> frozenset[str]:
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS)
