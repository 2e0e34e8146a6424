"""generate on run directories of real, untrained networks: files, manifest, errors."""

import csv
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from PIL import Image

from sparring.core.errors import CheckpointError, ConfigError, DiskError, DivergedError, SparringError
from sparring.generation.from_run import sampler_of
from sparring.generation.settings import GenerateSettings
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir
from sparring.run.settings import write_settings
from sparring.run.weights import content_hash
from sparring.stage.generate import generate
from sparring.trained.runs import Runs, build_model
from tests.conftest import compose as compose_train

ROOT = Path(__file__).resolve().parents[2]
NAMES, FINGERPRINTS = ["zero", "t-shirt/top", *map(str, range(2, 10))], {"train": "ab" * 32, "val": "cd" * 32}
RUNS: dict[tuple[str, ...], tuple[DictConfig, dict[str, torch.Tensor]]] = {}


def trained(path: Path, *overrides: str, metadata: bool = True) -> Path:
    """A run directory as training leaves it: settings of conf/, random weights."""
    if overrides not in RUNS:
        whole = compose_train("data.image_size=8", "model.latent_dim=8", *overrides)
        torch.manual_seed(0)
        model: Any = build_model(whole)
        for tensor in model.ema.parameters():
            tensor.add_(torch.randn_like(tensor) * 0.3)
        keep = OmegaConf.masked_copy(whole, ["data", "model", "seed", "extensions"])
        for key in ("cache_dir", "path"):
            keep.data[key] = None
        OmegaConf.resolve(keep)
        tensors = {
            f"{player}.{name}": tensor.clone()
            for player in ("ema", "generator", "discriminator")
            for name, tensor in getattr(model, player).state_dict().items()
        }
        tensors["class_prior"] = torch.tensor([0.5, 0.5] + [0.0] * 8)
        RUNS[overrides] = keep, tensors
    kept, tensors = RUNS[overrides]
    write_settings(path, kept)
    facts = {"classes": json.dumps(NAMES), "fingerprints": json.dumps(FINGERPRINTS)} if metadata else {}
    RunDir(path).save_weights(tensors, {"iteration": "500", "images_seen": "32000", **facts})
    return path


def settings(run: Path, /, **changes: object) -> DictConfig:
    fixed: dict[str, object] = {
        "name": "images", "run": str(run), "count": 23, "label": "balanced", "truncation": None, "seed": 4, "batch_size": 10,
        "format": ["grid"], "weights": "ema", "checkpoint": "last", "device": "cpu", "extensions": [], "bn": "running",
        "logger": {}, "interpolate": None, "morph": None, "frames": 5, "toward": None, "share": None, "move": [],
        "classifier": None, "sampling": {"_target_": "sparring.sampling.plain.PlainSampling"}, "direction": {},
    }  # fmt: skip
    return OmegaConf.create({"paths": {"log_dir": str(run.parent)}, **fixed, **changes})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return trained(tmp_path / "run")


def test_all_formats_hold_the_sampler_s_bytes(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = settings(run, format=["grid", "folder", "parquet"])
    result = generate(config, out)
    generator = Runs().generator(RunDir.open(run))
    expected = [each for part in sampler_of(generator, GenerateSettings.of(config)) for each in part.each()]
    assert [(index, label) for index, label, _ in expected] == [(i, i % 10) for i in range(23)]

    table = pyarrow.parquet.read_table(out / "samples.parquet")
    assert table.column("label").to_pylist() == [label for _, label, _ in expected]
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features == {"image": {"_type": "Image"}, "label": {"names": NAMES, "_type": "ClassLabel"}}
    rows = list(csv.DictReader((out / "manifest.csv").open()))
    for (index, label, image), coded, row in zip(expected, table.column("image").to_pylist(), rows, strict=True):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(coded["bytes"]))), image[0])
        assert row == {"index": str(index), "seed": "4", "label": str(label), "file": row["file"]}
        assert np.array_equal(np.asarray(Image.open(out / row["file"])), image[0])
    assert rows[11]["file"] == "folder/1_t-shirt_top/000011.png"
    assert Image.open(out / "images" / "grid.png").height == 2 + 10 * (48 + 2)
    assert result["files"] == {"grid": "images/grid.png", "folder": "folder", "parquet": "samples.parquet"}
    assert not list(out.rglob(".tmp-*"))
    finished = RunDir(out)
    assert (finished.status() or {})["state"] == "finished"
    assert finished.result()["verb"] == "generate"


def test_the_manifest_says_where_the_images_come_from(run: Path, tmp_path: Path) -> None:
    generate(settings(run), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    averaged = {name[4:]: value for name, value in RunDir(run).load_weights().items() if name.startswith("ema.")}
    origin = manifest["origin"]
    assert origin["generator_sha256"] == content_hash(averaged)
    assert (origin["run"], origin["iteration"], origin["fingerprints"]) == (str(run), 500, FINGERPRINTS)
    assert manifest["images_per_label"] == {str(label): 3 if label < 3 else 2 for label in range(10)}
    assert manifest["settings"]["seed"] == 4
    assert manifest["class_names"] == NAMES


@pytest.mark.slow
def test_the_images_fingerprint_sees_images_and_not_batches(run: Path, tmp_path: Path) -> None:
    def fingerprint(name: str, **changes: object) -> str:
        generate(settings(run, **changes), tmp_path / name)
        return json.loads((tmp_path / name / "manifest.json").read_text())["images_sha256"]

    first = fingerprint("a")
    assert fingerprint("b", batch_size=1) == first
    assert fingerprint("c", format="parquet", batch_size=128) == first
    langevin = {"_target_": "sparring.sampling.langevin.Langevin", "steps": 2, "step": 0.5}
    others = {fingerprint("d", seed=5), fingerprint("e", truncation=0.5), fingerprint("f", weights="generator"),
              fingerprint("g", sampling=langevin)}  # fmt: skip
    assert len(others | {first}) == 5


def test_prior_and_single_labels(run: Path, tmp_path: Path) -> None:
    generate(settings(run, label="prior", format="folder"), tmp_path / "prior")
    assert sorted(path.name for path in (tmp_path / "prior" / "folder").iterdir()) == ["0_zero", "1_t-shirt_top"]
    generate(settings(run, label=3, count=20), tmp_path / "three")
    square = Image.open(tmp_path / "three" / "images" / "grid.png")
    assert square.size == (2 + 5 * 50, 2 + 4 * 50)  # no label strip


def test_an_unconditional_model(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", "model/conditioning=none", "model/head=none")
    generate(settings(run, format=["grid", "folder", "parquet"]), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out" / "folder").iterdir()] == ["unlabelled"]
    assert set(pyarrow.parquet.read_table(tmp_path / "out" / "samples.parquet")["label"].to_pylist()) == {-1}
    with pytest.raises(ConfigError, match="trained without labels"):
        generate(settings(run, label=3), tmp_path / "three")


@pytest.mark.parametrize(
    ("changes", "kind", "sentence"),
    [
        ({"run": "nowhere"}, CheckpointError, r"nowhere (does not exist|is not a run)"),
        ({"weights": "average"}, ConfigError, "weights=average is unknown; give one of ema, generator"),
        ({"label": 10}, ConfigError, "label=10 is out of range: the generator knows the classes 0 to 9"),
        ({"count": 0}, ConfigError, "count=0"),
        ({"truncation": 0}, ConfigError, "truncation=0"),
        ({"format": ["grid", "tfrecord"]}, ConfigError, "give some of grid, folder, parquet"),
        ({"format": []}, ConfigError, "is unknown"),
        ({"device": "tpu"}, ConfigError, "device=tpu is not on this machine"),
    ],
)
def test_bad_settings(
    changes: dict[str, object], kind: type[SparringError], sentence: str, run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(kind, match=sentence):
        generate(settings(run, **changes), out)
    status = RunDir(out).status() or {}
    assert (status["state"], status["exit_code"]) == ("failed", kind.exit_code)
    assert not (out / "manifest.json").exists()


def test_a_run_without_weights(run: Path, tmp_path: Path) -> None:
    (run / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"weights\.safetensors does not exist"):
        generate(settings(run), tmp_path / "out")


def test_weights_of_other_settings(run: Path, tmp_path: Path) -> None:
    file = run / ".hydra" / "config.yaml"
    file.write_text(file.read_text().replace("latent_dim: 8", "latent_dim: 9"))
    with pytest.raises(CheckpointError, match="do not fit its settings"):
        generate(settings(run), tmp_path / "out")


@pytest.mark.parametrize("formats", [["parquet", "folder", "grid"], ["folder", "parquet"]])
def test_a_full_disk_leaves_nothing_behind(
    formats: list[str], run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def full(path: Path, data: bytes) -> None:
        written.append(path)
        if len(written) == 14:
            raise OSError(errno.ENOSPC, "No space left on device")
        with path.open("wb") as file:
            file.write(data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskError, match=r"folder: the disk is full"):
        generate(settings(run, format=formats), tmp_path / "out")
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left == {"status.json", ".lock"}


def test_a_generator_with_nan_leaves_nothing_behind(run: Path, tmp_path: Path) -> None:
    tensors = RunDir(run).load_weights()
    name = next(name for name in tensors if name.startswith("ema."))
    metadata = weights_file.stored_metadata(RunDir(run).weights)
    RunDir(run).save_weights({**tensors, name: tensors[name] * float("nan")}, metadata)
    with pytest.raises(DivergedError, match="NaN"):
        generate(settings(run, format=["parquet", "folder", "grid"]), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} == {"status.json", ".lock"}


def test_an_existing_run_is_not_written_into(run: Path, tmp_path: Path) -> None:
    generate(settings(run), tmp_path / "out")
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    with pytest.raises(CheckpointError, match="already holds a run"):
        generate(settings(run, seed=9), tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "the child did not get there"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_generate_leaves_no_whole_looking_file(run: Path, tmp_path: Path) -> None:
    out, script = tmp_path / "out", tmp_path / "child.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom omegaconf import OmegaConf\n"
        "from sparring.stage.generate import generate\n"
        "generate(OmegaConf.load(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    OmegaConf.save(settings(run, count=10**7, format=["folder", "parquet", "grid"]), tmp_path / "settings.yaml")
    child = subprocess.Popen([sys.executable, str(script), str(tmp_path / "settings.yaml"), str(out)])
    try:
        wait_for(lambda: len(list(out.glob(".tmp-folder*/*/*.png"))) > 100, seconds=60)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    visible = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert visible == {"status.json", "images", "checkpoints"}
    assert not list((out / "images").iterdir())
    assert (RunDir(out).status() or {})["state"] == "running"
