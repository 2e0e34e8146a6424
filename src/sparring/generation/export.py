"""Where generated images go: a grid, class folders, or one parquet file."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from sparring.core.errors import ConfigError
from sparring.generation.sampler import Samples
from sparring.generation.writers import FolderWriter, GridWriter, ParquetWriter, Writer

FORMATS = ("grid", "folder", "parquet")


class Writers:
    """The writers of some formats as one; as a context manager it commits on success and discards on any exception.

    Args:
        formats: some of FORMATS.
        run: run directory that the files go to.
        class_names: in label order; empty for images without labels.
    """

    def __init__(self, formats: Sequence[str], run: Path, *, class_names: Sequence[str]) -> None:
        kinds: dict[str, type[GridWriter] | type[FolderWriter] | type[ParquetWriter]]
        kinds = {"grid": GridWriter, "folder": FolderWriter, "parquet": ParquetWriter}
        self.by_format: dict[str, Writer] = {name: kinds[name](run, class_names=class_names) for name in formats}

    def add(self, samples: Samples) -> None:
        """Write some images, in the order of their indices. Raises DiskError."""
        for writer in self.by_format.values():
            writer.add(samples)

    def file_of(self, index: int) -> str:
        """The best address of an image: its own PNG, else the parquet file, else the grid, else nothing."""
        for name in ("folder", "parquet", "grid"):
            file = self.by_format[name].file_of(index) if name in self.by_format else None
            if file is not None:
                return file
        return ""

    def __enter__(self) -> "Writers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                for writer in self.by_format.values():
                    writer.commit()
        finally:
            for writer in self.by_format.values():
                writer.discard()


def check_formats(formats: Sequence[str], channels: int) -> None:
    """Check what images are to be written as.

    Raises:
        ConfigError: an unknown format or none, or one that cannot hold `channels` channels without loss.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ConfigError(
            f"format={list(formats)} is unknown; give some of {', '.join(FORMATS)}, for example format=[grid,folder]."
        )
    if channels > 4 and set(formats) != {"grid"}:
        raise ConfigError(
            f"format={list(formats)} needs PNG, which holds 4 channels, not {channels}; use format=[grid]."
        )
