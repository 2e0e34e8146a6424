"""Folders from elsewhere: what is no exported network is said so, and no class of another package is built."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import sparring
from sparring.config.plain import plain
from sparring.core.errors import CheckpointError, ConfigError
from sparring.export.pretrained import DATA, Pretrained
from tests.conftest import compose

CLASSIFIER = ["model=classifier", "data.image_size=8", "model.backbone.width=4"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A classifier in the form of the hub."""
    config = compose(*CLASSIFIER)
    settings = {"model": plain(config.model), "data": {name: config.data[name] for name in DATA}}
    content: dict[str, Any] = {"network": "classifier", "settings": settings, "class_names": list("0123456789")}
    save_file(
        {name: value.contiguous() for name, value in Pretrained(**content).state_dict().items()},
        tmp_path / "model.safetensors",
    )
    (tmp_path / "config.json").write_text(json.dumps(content))
    return tmp_path


def changed(folder: Path, **changes: Any) -> Path:
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, **changes}))
    return folder


def test_a_folder_opens(folder: Path) -> None:
    network = sparring.from_pretrained(folder)
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert network.class_names[3] == "3"
    assert not network.training


def test_a_class_of_another_package_is_not_built(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    content["settings"]["model"]["backbone"] = {"_target_": "subprocess.Popen", "args": ["true"]}
    with pytest.raises(ConfigError, match=r"_target_=subprocess.Popen is not allowed"):
        sparring.from_pretrained(changed(folder, settings=content["settings"], extensions=["subprocess"]))


def test_damage_is_said_in_a_sentence(folder: Path) -> None:
    with pytest.raises(ConfigError, match="network='painter' must be one of generator, classifier, enhancer"):
        sparring.from_pretrained(changed(folder, network="painter"))
    for other in ("generator", "enhancer"):
        with pytest.raises(ConfigError, match=f"Classifier, which has no {other}"):
            sparring.from_pretrained(changed(folder, network=other))
    with pytest.raises(ConfigError, match="which has no classifier"):
        sparring.from_pretrained(changed(folder, network="classifier", settings={"model": {}, "data": {}}))
    with pytest.raises(ConfigError, match="must have the sections model and data"):
        sparring.from_pretrained(changed(folder, network="classifier", settings={"model": [], "data": {}}))


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    content["settings"]["model"]["backbone"]["width"] = 8
    with pytest.raises(CheckpointError, match="do not fit each other"):
        sparring.from_pretrained(changed(folder, settings=content["settings"]))
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="is neither a folder of an exported network nor a repository"):
        sparring.from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"has no config.json: give a folder of one network"):
        sparring.from_pretrained(folder)


def test_a_repository_without_a_network_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CheckpointError, match="nobody/nothing is neither a folder"):
        sparring.from_pretrained("nobody/nothing", local_files_only=True)
