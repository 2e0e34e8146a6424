"""Settings as plain Python values."""

from typing import Any

from omegaconf import DictConfig, OmegaConf


def plain(config: DictConfig) -> dict[str, Any]:
    """A section, or a whole configuration, as dicts, lists, texts and numbers; references are replaced by their values.

    Raises:
        OmegaConfBaseException: a reference to a setting that does not exist.
    """
    resolved = OmegaConf.to_container(config, resolve=True)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}
