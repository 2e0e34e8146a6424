"""The reference classifier's key: remembered, and another one for other data."""

from pathlib import Path
from typing import Any

import pytest

from sparring.config.plain import plain
from sparring.evaluation import reference
from sparring.run.environment import config_hash
from tests.conftest import compose


def test_the_recipe_is_composed_once_per_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[Any] = []
    own = reference._recipe

    def counted(data: Any, run_dir: Path) -> Any:
        composed.append(data)
        return own(data, run_dir)

    monkeypatch.setattr(reference, "_recipe", counted)
    data, other = (
        plain(compose(size, f"paths.cache_dir={tmp_path}").data) for size in ("data.image_size=8", "data.image_size=12")
    )
    first = reference._recipe_hash(data, tmp_path)
    assert first == config_hash(own(data, Path("unused")))
    assert reference._recipe_hash(data, tmp_path) == first
    assert len(composed) == 1
    assert reference._recipe_hash(other, tmp_path) != first
    assert len(composed) == 2
