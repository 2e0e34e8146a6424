"""Training images of a study's page: drawn from the settings that the study composed, not from those in a cell's files."""

from pathlib import Path

import yaml

from sparring.config.build import build
from sparring.config.plain import plain
from sparring.core.picture import read_png
from sparring.run.settings import write_settings
from sparring.study.engine.cell import Cell
from sparring.study.engine.cell_result import CellResult
from sparring.study.tables import pictures
from tests.conftest import compose


def test_a_cells_file_does_not_choose_where_the_data_cache_goes(tmp_path: Path) -> None:
    cache = f"data.cache_dir={tmp_path / 'cache'}"
    composed = compose("model=classifier", "data.image_size=8", "data.batch_size=32", cache)
    config = {name: plain(composed[name]) for name in ("data", "model")}
    run, strange = tmp_path / "run", tmp_path / "elsewhere"
    (run / "images").mkdir(parents=True)
    write_settings(run, {**config, "data": {**config["data"], "cache_dir": str(strange)}})
    cell = CellResult(Cell("r0/real", "train", ()), config, run, {}, ())
    made = pictures._training_picture(cell, "real", "real images", build)
    assert made.path == "cells/r0/real/images/training.png"
    assert read_png(run / "images" / "training.png").ndim == 3
    assert (tmp_path / "cache").is_dir()
    assert not strange.exists()
    assert yaml.safe_load((run / ".hydra" / "config.yaml").read_text())["data"]["cache_dir"] == str(strange)
