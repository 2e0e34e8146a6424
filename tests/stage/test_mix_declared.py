"""Image sets that do not say what they were made from."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.config.build import build
from sparring.core.errors import DataError
from tests.conftest import compose
from tests.stage.mixes import mixed


def test_sets_without_a_record_are_refused_unless_vouched_for(tmp_path: Path, cache_dir: Path) -> None:
    for k in range(10):
        (tmp_path / "set" / str(k)).mkdir(parents=True)
        for number in range(2):
            noise = np.random.default_rng(10 * k + number).integers(0, 256, (8, 8)).astype(np.uint8)
            Image.fromarray(noise).save(tmp_path / "set" / str(k) / f"{number}.png")
    mix = ["data/mix=images", f"data.mix.images=[{tmp_path}/set]"]
    with pytest.raises(DataError, match=r"or data\.mix\.provenance=declared \(no val or test image was among it\)"):
        mixed(tmp_path / "a", cache_dir, *mix)
    pool = mixed(tmp_path / "b", cache_dir, *mix, "data.mix.provenance=declared")
    assert (pool["provenance"], pool["per_class"]) == ("declared", [2] * 10)
    _write_test_image(tmp_path / "set" / "3" / "leak.png", cache_dir)
    with pytest.raises(DataError, match="1 of the images to mix in are test images of this run, byte for byte"):
        mixed(tmp_path / "c", cache_dir, *mix, "data.mix.provenance=declared")


def _write_test_image(file: Path, cache_dir: Path) -> None:
    config = compose("data.image_size=8", f"paths.cache_dir={cache_dir}")
    data = build(config.data, section="data")
    data.setup()
    Image.fromarray(data.whole("test").image[0, 0].numpy()).save(file)
