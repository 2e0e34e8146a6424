"""Any data set of the HF hub with a column of images and one of labels; `data.path` reads such parquet files from disk.

Images of any mode and size are converted as `decode.py` states. Class names come from the data set's own metadata, from
a text column, or are the label numbers.
"""

from typing import Any

from sparring.core.errors import ConfigError
from sparring.data.reading.format import Files, Format
from sparring.data.reading.format.parquet import Parquet
from sparring.data.reading.public import PublicSource
from sparring.data.reading.source import Location, Reading


class Hub(PublicSource):
    """Any image size, channels and classes."""

    channels = None
    image_size = None

    def identity(self, location: Location) -> dict[str, Any]:
        if location.hub_id is None and location.path is None:
            raise ConfigError("data=hub needs data.hub_id=<owner>/<name>, or data.path=<parquet file or folder>.")
        return super().identity(location)

    def reading(self, format_: Format, files: Files, origin: dict[str, Any], location: Location) -> Reading:
        if not isinstance(format_, Parquet):
            raise ConfigError(f"data=hub reads parquet files, and {location.path} holds {format_.description}.")
        names = format_.class_names(files)
        return Reading(names, format_.read(files, names), origin)
