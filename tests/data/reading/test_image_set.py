"""What a folder of images says of itself: a run's damaged manifest is refused, another program's is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import DataError
from sparring.data.reading.image_set import read_images, read_manifest
from sparring.run.settings import write_settings

WHOLE: dict[str, Any] = {
    "origin": {"run": "x", "fingerprints": {"train": "a"}}, "settings": {}, "images_sha256": "b", "files": {"folder": "folder"},
}  # fmt: skip
DAMAGED = {
    "empty": "",
    "cut": json.dumps(WHOLE)[:40],
    "binary": "\x00\x01",
    "a list": "[1]",
    "deep": "[" * 100_000,
    "no images": json.dumps({key: WHOLE[key] for key in ("origin", "settings")}),
    "origin of another kind": json.dumps({**WHOLE, "origin": "x"}),
    "origin without a run": json.dumps({**WHOLE, "origin": {}}),
    "files of another kind": json.dumps({**WHOLE, "files": {"folder": 3}}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert read_manifest(tmp_path) is None
    write_settings(tmp_path, {"sampling": {"name": "plain"}})  # now it is a run
    with pytest.raises(
        DataError, match=r"manifest\.json is damaged, so it does not say what the images are: draw them again"
    ):
        read_images(tmp_path, channels=1, image_size=8, class_names=["a"])


def test_a_whole_one_and_none(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    assert read_manifest(tmp_path / "file.parquet") is None
    (tmp_path / "manifest.json").write_text(json.dumps(WHOLE))
    write_settings(tmp_path, {"sampling": {"name": "plain"}})
    assert read_manifest(tmp_path) == WHOLE
