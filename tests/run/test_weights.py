"""weights.safetensors through RunDir: exact, hashed by content, refused when damaged."""

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sparring.core.errors import CheckpointError
from sparring.run import weights
from sparring.run.directory import RunDir
from sparring.trained.model import TrainedModel


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


def test_weights_come_back_exactly(run: RunDir) -> None:
    shared = torch.randn(2, 3, 4, 4)
    tensors = {
        "ema.a": shared, "generator.a": shared, "generator.view": shared[:, 0],
        "generator.last": shared.to(memory_format=torch.channels_last), "discriminator.count": torch.tensor(5),
        "discriminator.half": torch.randn(3).bfloat16(), "discriminator.empty": torch.zeros(0, 2),
    }  # fmt: skip
    run.save_weights(tensors, {"verb": "train"})
    loaded = run.load_weights()
    assert loaded.keys() == tensors.keys()
    assert all(
        torch.equal(loaded[name], tensors[name]) and loaded[name].dtype == tensors[name].dtype for name in tensors
    )
    assert weights.stored_metadata(run.weights)["verb"] == "train"


def test_weights_hash_is_of_names_and_values_alone(run: RunDir) -> None:
    tensors = {"b": torch.arange(3.0), "a": torch.ones(1)}
    run.save_weights(tensors, {"at": "noon"})
    first = run.weights_hash()
    run.save_weights(dict(reversed(tensors.items())), {"at": "midnight"})
    assert run.weights_hash() == first
    expected = hashlib.sha256()
    for name in ("a", "b"):
        expected.update(
            f"{name}\0torch.float32\0{tuple(tensors[name].shape)}\0".encode() + tensors[name].numpy().tobytes()
        )
    assert first == expected.hexdigest()
    run.save_weights({"b": torch.arange(3.0), "a": torch.zeros(1)}, {})
    assert run.weights_hash() != first


@pytest.mark.parametrize("how", ["flipped", "truncated", "missing", "foreign"])
def test_damaged_weights_are_refused(run: RunDir, how: str) -> None:
    run.save_weights({"a": torch.arange(100.0)}, {})
    if how == "flipped":
        data = bytearray(run.weights.read_bytes())
        data[-5] ^= 1
        run.weights.write_bytes(data)
    elif how == "truncated":
        os.truncate(run.weights, 300)
    elif how == "missing":
        run.weights.unlink()
    else:
        save_file({"a": torch.zeros(1)}, run.weights)
    with pytest.raises(CheckpointError, match=r"weights\.safetensors"):
        run.load_weights()


@pytest.mark.parametrize("version", ["two", "-1", "", "\N{SUPERSCRIPT TWO}"])
def test_a_schema_version_that_is_no_number_is_refused(run: RunDir, version: str) -> None:
    run.save_weights({"a": torch.ones(1)}, {})
    save_file({"a": torch.ones(1)}, run.weights, {**weights.stored_metadata(run.weights), "schema_version": version})
    for read in (run.load_weights, run.weights_hash):
        with pytest.raises(CheckpointError, match=r"weights\.safetensors is altered \(its schema_version"):
            read()


@pytest.mark.parametrize("header", [b"[]", b'{"a": {"dtype": "F9"}}', b'{"__metadata__": {"a": 1}}', b"\xff\xfe"])
def test_a_header_that_is_none_is_refused(run: RunDir, header: bytes) -> None:
    run.weights.write_bytes(len(header).to_bytes(8, "little") + header)
    for read in (run.load_weights, run.weights_hash):
        with pytest.raises(CheckpointError, match="truncated or no safetensors file"):
            read()


@pytest.mark.parametrize(
    ("name", "text"),
    [("classes", "{"), ("classes", '"ab"'), ("iteration", "ten"), ("images_seen", "null"), ("fingerprints", None)],
)
def test_damaged_facts_of_weights_are_refused(run: RunDir, name: str, text: str | None) -> None:
    said = {} if text is None else {name: text}
    trained = TrainedModel(run, {}, None, run.weights, {}, said)
    with pytest.raises(CheckpointError, match=rf"weights\.safetensors is altered \(its metadata has {name}="):
        trained.fact(name)
    intact = TrainedModel(run, {}, None, run.weights, {}, {"iteration": "7", "classes": '["a"]'})
    assert (intact.fact("iteration"), intact.fact("classes")) == (7, ["a"])
