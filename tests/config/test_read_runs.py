"""The earlier runs that a command reads, for those who follow where a result comes from."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from sparring.config.read_runs import Kind, earlier_runs
from sparring.run.settings import write_settings


def read(log_dir: Path, settings: dict[str, Any]) -> list[tuple[str, Kind, str]]:
    config = OmegaConf.create({"paths": {"log_dir": str(log_dir)}, **settings})
    return [(folder.name, kind, checkpoint) for folder, kind, checkpoint in earlier_runs(config)]


def test_weights_and_images_are_told_apart_and_files_of_the_user_are_none(tmp_path: Path) -> None:
    for name in ("gan", "net", "other"):
        write_settings(tmp_path / "train" / name, {"trainer": {}})
    images = tmp_path / "generate" / "drawn"
    write_settings(images, {"sampling": {}})
    (tmp_path / "photos").mkdir()
    mix = {
        "images": [str(images), str(tmp_path / "photos")],
        "labeller": "net",
        "filter": {"classifier": "net", "discriminator": "gan"},
    }
    assert read(tmp_path, {"trainer": {}, "data": {"mix": mix}, "model": {}}) == [
        ("net", "model", "last"), ("gan", "model", "last"), ("drawn", "images", "last"),
    ]  # fmt: skip
    attack = {"attack": {"_target_": "x.Transfer", "run": "other"}, "baseline": None, "defence": {"generator": "gan"}}
    assert read(tmp_path, {**attack, "run": "net", "checkpoint": "best"}) == [
        ("net", "model", "best"), ("gan", "model", "last"), ("other", "model", "last"),
    ]  # fmt: skip
    assert read(tmp_path, {"trainer": {}, "data": {"mix": None}, "model": {}}) == []
