"""ImageNet-1k: 1,281,167 + 50,000 colour images of 1000 kinds of things (Russakovsky et al. 2015).

From a folder with train/<class>/ and val/<class>/, from parquet files, or from the HF hub, for accounts that have
accepted the terms of ILSVRC/imagenet-1k.
"""

from typing import Any

from sparring.data.folder import Folder
from sparring.data.hub import Hub
from sparring.data.reading.image_file import sub_folders
from sparring.data.reading.source import Location, Reading


class Imagenet(Hub):
    """Images of any size, which are cut and resized to the one asked for."""

    hub_id = "ILSVRC/imagenet-1k"

    def identity(self, location: Location) -> dict[str, Any]:
        if _is_folder(location):
            return Folder().identity(location)
        return super(Hub, self).identity(location)

    def read(self, location: Location) -> Reading:
        return Folder().read(location) if _is_folder(location) else super().read(location)


def _is_folder(location: Location) -> bool:
    """Whether the path holds folders of image files, and no parquet."""
    path = location.path
    return path is not None and path.is_dir() and bool(sub_folders(path)) and not any(path.rglob("*.parquet"))
