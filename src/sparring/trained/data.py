"""The data that an earlier run was made with."""

from collections.abc import Mapping
from typing import Any

from sparring.data.module.image_data import ImageData
from sparring.trained.runs import Runs


def data_of(origin: Mapping[str, Any], runs: Runs, *, cache_dir: str) -> ImageData:
    """The data of the run that a network is from, opened.

    Args:
        origin: of the network; `run` is its directory.
        cache_dir: where decoded data are kept here, which may be another machine than the run's.
    """
    section = runs.open(origin["run"]).config["data"] | {"cache_dir": cache_dir}
    data: ImageData = runs.build(section, section="data")
    data.setup("fit")
    return data
