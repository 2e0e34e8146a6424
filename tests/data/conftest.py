"""Building ImageData from conf/data alone."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig

CONF = Path(__file__).parents[2] / "conf"


def compose_data(name: str, cache_dir: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(overrides=[f"+data={name}", "+seed=1", f"+paths.cache_dir={cache_dir}", *overrides])


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Any]:
    """make("digits", "data.batch_size=8") -> ImageData with streams and clock set, not yet set up."""

    def build(name: str, *overrides: str) -> Any:
        data = instantiate(compose_data(name, tmp_path / "cache", *overrides).data)
        data.streams, data.clock = {"discriminator": 1, "generator": 1}, SimpleNamespace(iteration=0)
        return data

    return build


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub that refuses connections and an empty local cache, which is returned."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", "http://127.0.0.1:9", raising=False)
    return tmp_path / "hub"
