"""Checkpoints: what is kept, fallback from damaged files, hostile files, use by Lightning. Faults: test_checkpoint_faults.py."""

import hashlib
import logging
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import pytest
import torch

from sparring.core.errors import CheckpointError
from sparring.run import checkpoint as module
from sparring.run.checkpoint import VerifiedCheckpointIO, previous_path
from tests.run.checkpoint_states import state, stray, value_of

# --- the plain behaviour


def test_saves_loads_and_keeps_the_one_before(last: Path) -> None:
    assert value_of(last) == 2
    assert value_of(last.with_name("previous.ckpt")) == 1
    assert sorted(path.name for path in last.parent.iterdir()) == [
        "last.ckpt", "last.ckpt.sha256", "previous.ckpt", "previous.ckpt.sha256",
    ]  # fmt: skip


def test_sidecar_is_what_sha256sum_checks(last: Path) -> None:
    digest = hashlib.sha256(last.read_bytes()).hexdigest()
    assert last.with_name("last.ckpt.sha256").read_text() == f"{digest}  last.ckpt\n"


def test_loads_on_the_cpu_and_takes_a_string_path(last: Path) -> None:
    assert VerifiedCheckpointIO().load_checkpoint(str(last), map_location=None)["weight"].device.type == "cpu"


def test_other_names_keep_their_own_predecessor(tmp_path: Path) -> None:
    io = VerifiedCheckpointIO()
    for value, name in [(1, "last.ckpt"), (5, "best.ckpt"), (6, "best.ckpt")]:
        io.save_checkpoint(state(value), tmp_path / name)
    assert value_of(previous_path(tmp_path / "best.ckpt")) == 5
    assert not (tmp_path / "previous.ckpt").exists()
    io.remove_checkpoint(tmp_path / "best.ckpt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "last.ckpt.sha256"]


def test_temporary_files_of_a_killed_writer_are_swept(last: Path) -> None:
    (last.parent / ".tmp-last.ckpt-1-dead").write_bytes(b"half")
    VerifiedCheckpointIO().save_checkpoint(state(3), last)
    assert stray(last.parent) == []


@pytest.mark.parametrize("url", ["https://host/last.ckpt", "s3://bucket/last.ckpt", Path("https://host/last.ckpt")])
def test_urls_are_refused(url: str | Path) -> None:
    for call in (VerifiedCheckpointIO().load_checkpoint, lambda u: VerifiedCheckpointIO().save_checkpoint(state(1), u)):
        with pytest.raises(CheckpointError, match="download the run directory first"):
            call(url)


def test_tmpdir_does_not_matter(last: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    monkeypatch.setattr("tempfile.tempdir", None)
    VerifiedCheckpointIO().save_checkpoint(state(3), last)
    assert value_of(last) == 3


# --- damage


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def damage(kind: str, path: Path) -> None:
    if kind == "flipped":
        flip(path, path.stat().st_size // 2)
    elif kind == "truncated":
        os.truncate(path, path.stat().st_size - 7)
    elif kind == "empty":
        os.truncate(path, 0)
    elif kind == "missing":
        path.unlink()
    elif kind == "no sidecar":
        module.sidecar.path_for(path).unlink()
    elif kind == "empty sidecar":
        module.sidecar.path_for(path).write_bytes(b"")


KINDS = ["flipped", "truncated", "empty", "missing", "no sidecar", "empty sidecar"]


@pytest.mark.parametrize("kind", KINDS)
def test_damage_falls_back_to_the_one_before_and_says_so(
    last: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage(kind, last)
    assert value_of(last) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(last) in record.getMessage()
    assert str(previous_path(last)) in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize("kind", KINDS)
def test_two_damaged_files_are_an_error_that_names_both(last: Path, kind: str) -> None:
    damage(kind, last)
    damage(kind, previous_path(last))
    with pytest.raises(CheckpointError) as caught:
        VerifiedCheckpointIO().load_checkpoint(last)
    assert "last.ckpt" in str(caught.value)
    assert "previous.ckpt" in str(caught.value)


def test_a_save_over_a_damaged_file_keeps_the_good_one_before_it(last: Path) -> None:
    damage("flipped", last)
    VerifiedCheckpointIO().save_checkpoint(state(3), last)
    assert value_of(last) == 3
    assert value_of(previous_path(last)) == 1


# --- code in checkpoints


class Hostile:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.witness),)


def vouch(path: Path) -> None:
    """What an attacker can do too: a sidecar that matches."""
    path.with_name(f"{path.name}.sha256").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")


@pytest.mark.parametrize("form", ["zip", "plain pickle"])
@pytest.mark.parametrize("weights_only", [None, True, False])
def test_hostile_pickle_is_refused_and_not_run(
    tmp_path: Path, last: Path, form: str, weights_only: bool | None
) -> None:
    witness = tmp_path / "code_ran"
    if form == "zip":
        torch.save({"state_dict": Hostile(witness)}, last)
    else:
        last.write_bytes(pickle.dumps(Hostile(witness)))
    vouch(last)
    with pytest.raises(CheckpointError, match=r"refused|torch cannot load"):
        VerifiedCheckpointIO().load_checkpoint(last, weights_only=weights_only)
    assert not witness.exists()


def test_a_state_that_could_not_be_loaded_again_is_refused_at_the_save(last: Path) -> None:
    with pytest.raises(CheckpointError, match=r"PosixPath"):
        VerifiedCheckpointIO().save_checkpoint({"path": Path("x")}, last)
    assert value_of(last) == 2
    assert value_of(previous_path(last)) == 1
    assert stray(last.parent) == []


def test_an_intact_file_that_is_no_checkpoint_is_refused(last: Path) -> None:
    torch.save(torch.zeros(3), last)
    vouch(last)
    with pytest.raises(CheckpointError, match="holds a Tensor"):
        VerifiedCheckpointIO().load_checkpoint(last)


# --- Lightning


class Tiny(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        return self.layer(batch).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.1)


def fit(model: Tiny, steps: int, resume: Path | None = None) -> L.Trainer:
    trainer = L.Trainer(
        max_steps=steps, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_model_summary=False,
        enable_progress_bar=False, plugins=[VerifiedCheckpointIO()],
    )  # fmt: skip
    rows: Any = torch.arange(16.0).reshape(8, 2) / 16
    data: Any = torch.utils.data.DataLoader(rows, batch_size=8)
    trainer.fit(model, data, ckpt_path=None if resume is None else str(resume))
    return trainer


def test_lightning_saves_and_resumes_through_it(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.manual_seed(0)
    start = Tiny().state_dict()
    straight, broken, resumed = Tiny(), Tiny(), Tiny()
    for model in (straight, broken):
        model.load_state_dict(start)
    fit(straight, 6)
    trainer = fit(broken, 4)
    trainer.save_checkpoint(path)
    fit(broken, 5, resume=path).save_checkpoint(path)
    assert value_count(path) == 5
    flip(path, 900)  # falls back to step 4
    trainer = fit(resumed, 6, resume=path)
    assert trainer.global_step == 6
    assert torch.equal(resumed.layer.weight, straight.layer.weight)


def value_count(path: Path) -> int:
    return int(VerifiedCheckpointIO().load_checkpoint(path)["global_step"])
