"""Images that were given in Python, as the configuration and the cache know them."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sparring.config.build import Builder
from sparring.core.errors import ConfigError
from sparring.data.arrays import Arrays, Content
from sparring.data.module.image_data import ImageData


def data_overrides(content: Content) -> list[str]:
    """What a configuration says of images that were given in Python."""
    _, channels, size, _ = content.splits["train"].image.shape
    return [
        "data=arrays", f"data.channels={channels}", f"data.image_size={size}",
        f"data.num_classes={len(content.class_names)}", f"data.source.fingerprint={content.fingerprint}",
    ]  # fmt: skip


def keep(content: Content, settings: Mapping[Any, Any], *, build: Builder) -> None:
    """Write the images into the cache of a data set, whose settings name them by their fingerprint.

    Args:
        settings: the section `data`.

    Raises:
        DataError, DiskError: the images cannot be kept.
    """
    data: ImageData = build(settings, section="data")
    data.source = Arrays(fingerprint=content.fingerprint, content=content)
    data.prepare_data()


def put_into(config: DictConfig, content: Content) -> None:
    """`content` as the data of a resolved configuration, whose networks know the shape already."""
    wanted = dict(item.split("=") for item in data_overrides(content)[1:])
    for key in ("data.channels", "data.image_size", "data.num_classes"):
        if str(OmegaConf.select(config, key)) != wanted[key]:
            raise ConfigError(
                f"the configuration has {key}={OmegaConf.select(config, key)} and the images given have {wanted[key]}: give "
                "overrides in place of the configuration, and it follows the images."
            )
    source = {"_target_": f"{Arrays.__module__}.{Arrays.__qualname__}", "fingerprint": content.fingerprint}
    OmegaConf.update(config, "data.source", source, merge=False)
    config.data.name = "arrays"
