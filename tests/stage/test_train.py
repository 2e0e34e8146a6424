"""The train stage as a user runs it: resume, signals, failures, and what each leaves behind."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
import torch

from sparring.run.directory import RunDir
from tests.conftest import ROOT, TINY, command, read_run, train
from tests.warm import WARM, Fork

pytestmark = pytest.mark.slow

# 1,297 training digits / 256: 5 iterations per epoch, so 12 iterations cross two epoch boundaries.
RUN = [
    "data.batch_size=256",
    "trainer.max_steps=12",
    "trainer.log_every_n_steps=2",
    "trainer.val_check_interval=4",
    "trainer=cpu",
]


def places(folder: Path, cache_dir: Path) -> list[str]:
    return [*TINY, f"paths.log_dir={folder}", f"paths.cache_dir={cache_dir}"]


def only_run(folder: Path) -> Path:
    (run,) = (folder / "train").iterdir()
    return run


def checkpoint(run: Path) -> dict:
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)


def assert_same(ours: object, theirs: object, where: str = "") -> None:
    """Bit for bit, through nested containers."""
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), where
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for key in ours:
            assert_same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), where
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same(*pair, f"{where}[{index}]")
    else:
        assert ours == theirs, where


# Moving averages, adaptive p, a schedule of everything, and what a saved interval may fall into the middle of.
STATES = [
    "model/regularizer=[lecam,path_length,zcr]", "model.regularizer.lecam.start=1", "model.regularizer.path_length.interval=2",
    "model/generator=stylegan2", "model/augment=ada", "model.augment.interval=4", "model.augment.images=9000",
    "model/schedule=r3gan", "model/head=contragan", "model.d_steps=2",
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "every", "kill_at"),
    [(["model=rpgan"], 3, 7), (["model=dcgan"], 5, 6), (["model=dcgan"], 4, 5), (STATES, 5, 7)],
    ids=["mid-epoch", "end of an epoch", "with validation", "states"],
)
def test_killed_and_resumed_equals_uninterrupted(
    model: list[str], every: int, kill_at: int, tmp_path: Path, cache_dir: Path
) -> None:
    settings = ["model/schedule=cosine", *RUN, *model, f"callback.checkpoint.every={every}"]
    whole = train(tmp_path / "whole", cache_dir, *settings)
    folder = tmp_path / "parts"
    script = str(Path(__file__).with_name("killed.py"))
    environment = {**os.environ, "KILL_AT": str(kill_at)}
    killed = WARM.run([script, *places(folder, cache_dir), *settings], environment=environment, cwd=ROOT, timeout=200)
    assert killed.returncode == 9, killed.stderr
    part = only_run(folder)
    assert checkpoint(part)["clock"]["iteration"] == kill_at // every * every
    left = RunDir(part).status() or {}  # it cannot speak of its end, and says how far it had come
    assert (left["state"], left["checkpoint"]) == ("running", "checkpoints/last.ckpt")
    assert left["clock"]["iteration"] == kill_at // every * every
    assert left["reason"] == f"training, saved at iteration {kill_at // every * every} of 12"
    command(f"resume={part}")
    assert only_run(folder) == part
    ours, theirs = checkpoint(part), checkpoint(whole)
    for key in ("state_dict", "optimizer_states", "clock", "meter", "global_step"):
        assert_same(ours[key], theirs[key], key)
    ours, theirs = read_run(part), read_run(whole)
    assert_same(ours.weights, theirs.weights)
    assert computed(part) == computed(whole)
    assert sorted(path.name for path in (part / "images").iterdir()) == sorted(
        path.name for path in (whole / "images").iterdir()
    )
    assert ours.status["state"] == "finished"


SLURM = {"SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0",
         "SLURM_NTASKS": "1", "SLURM_STEP_NUM_TASKS": "1"}  # fmt: skip


@pytest.mark.parametrize(("devices", "number", "code"), [(1, signal.SIGHUP, 129), (2, signal.SIGTERM, 143)])
def test_signal_saves_and_exits_and_the_run_goes_on(
    number: int, code: int, devices: int, tmp_path: Path, cache_dir: Path
) -> None:
    """On one device as a job of SLURM, which is told to save first: Lightning would requeue it and train on."""
    settings = [*RUN, "trainer.max_steps=100000", f"trainer.devices={devices}"]
    requeued = tmp_path / "scontrol"
    requeued.write_text('#!/bin/sh\necho "$@" >> "$0.log"\n')
    requeued.chmod(0o755)
    slurm = {**SLURM, "PATH": f"{tmp_path}:{os.environ['PATH']}"} if devices == 1 else {}
    words = [str(ROOT / "train.py"), *places(tmp_path, cache_dir), *settings]
    process = WARM.start(words, cwd=ROOT, environment={**os.environ, **slurm})
    wait_for(lambda: list(tmp_path.glob("train/*/metrics.csv")), process)
    if slurm:
        process.send_signal(signal.SIGUSR1)
        wait_for(lambda: "saved at" in (RunDir(only_run(tmp_path)).status() or {})["reason"], process)
        assert process.poll() is None
    process.send_signal(number)  # to the first process alone: the other one must agree
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    run = only_run(tmp_path)
    status = read_run(run).status
    assert status["state"] == "interrupted"
    assert status["exit_code"] == code
    assert f"resume={run}" in errors
    assert not Path(f"{requeued}.log").exists()
    saved = checkpoint(run)["clock"]["iteration"]
    assert status["clock"]["iteration"] == saved
    end = saved + 3
    command(f"resume={run}", f"trainer.max_steps={end}")
    assert (run / "report.html").exists()
    if devices == 1:  # the curves are those of a run that nobody stopped
        whole = train(tmp_path / "whole", cache_dir, *RUN, f"trainer.max_steps={end}")
        assert_same(read_run(run).weights, read_run(whole).weights)
        assert computed(run) == computed(whole)


def computed(run: Path) -> list[dict[str, str]]:
    """The logged rows without speed, which is measured."""
    return [{key: value for key, value in row.items() if not key.startswith("speed/")} for row in read_run(run).metrics]


def wait_for(condition, process: Fork, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate(1)
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def test_run_leaves_everything_and_refusals_change_nothing(tmp_path: Path, cache_dir: Path) -> None:
    run = train(tmp_path, cache_dir, *RUN)
    left = read_run(run)
    assert [int(row["iteration"]) for row in left.metrics] == [2, 4, 6, 8, 10, 12]
    assert [int(row["images_seen"]) for row in left.metrics] == [512, 1024, 1536, 2048, 2560, 3072]
    assert left.status["state"] == "finished"
    assert left.result["clock"] == {"iteration": 12, "images_seen": 3072}
    assert set(left.result["data"]["fingerprints"]) == {"train", "val", "test"}
    assert left.result["cost"]["seconds"] > 0
    for name in (
        "report.html",
        "weights.safetensors",
        "checkpoints/last.ckpt",
        "images/real.png",
        "images/samples_00000012.png",
    ):
        assert (run / name).stat().st_size > 0, name
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for overrides, code, message in [
        ([f"resume={run}"], 2, "is finished"),
        ([f"resume={run}", "trainer.max_steps=20", "model.d_steps=2"], 6, "model.d_steps was 1, now 2"),
        (
            [f"resume={run}", "trainer.max_steps=20", "data.labels_per_class=5"],
            6,
            "data.labels_per_class was None, now 5",
        ),
        ([*places(tmp_path, cache_dir), f"hydra.run.dir={run}"], 6, "already holds a run"),
    ]:
        refused = command(*overrides, check=code)
        assert message in refused.stderr, refused.stderr
        assert "Traceback" not in refused.stderr
        after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
        changed = {path.name for path in before | after if before.get(path) != after.get(path)}
        assert changed <= {".lock"}, (overrides, changed)
    command(f"resume={run}", "trainer.max_steps=14")
    assert checkpoint(run)["clock"]["iteration"] == 14


def test_divergence_is_named_and_never_saved(tmp_path: Path, cache_dir: Path) -> None:
    rates = [
        "model.generator_optimizer.lr=1e20"
    ]  # the generator moves last, so its first step breaks the second iteration
    run = train(tmp_path, cache_dir, *RUN, *rates, "callback.checkpoint.every=1", check=4)
    status = RunDir(run).status()
    assert status is not None
    assert (status["state"], status["exit_code"]) == ("diverged", 4)
    # The first step is huge but finite and is saved; what it leads to is not.
    assert re.search(r"Training diverged: .*The last good checkpoint is .*last\.ckpt", status["reason"])
    saved = checkpoint(run)
    assert saved["clock"]["iteration"] < status["clock"]["iteration"]
    assert all(tensor.isfinite().all() for tensor in saved["state_dict"].values() if tensor.is_floating_point())


@pytest.mark.parametrize(
    ("overrides", "code", "message"),
    [
        (["data.batch_size=5000"], 2, "5000"),
        (["data.batch_size=15", "trainer.devices=2"], 2, "multiple of 2"),
        (["model.accumulate=3"], 2, "multiple of 3"),
        (["trainer.devices=0"], 2, "trainer.devices=0"),
        (["data.image_size=30"], 2, "data.image_size=28 or 32"),
        (["trainer.max_steps=0"], 2, "trainer.max_steps=0 must be at least 1"),
        (["trainer.num_nodes=2"], 2, "type torchrun --nnodes=2 --nproc-per-node=1"),
        (["trainer.num_nodes=2", "resume=auto"], 2, "resume=auto on each, or under SLURM"),
        (["trainer.precision=16-mixed"], 2, "bf16-mixed"),
        (["model.generator.latent_dim=32"], 2, "model.latent_dim=64"),
        (["trainer.log_every_n_steps=0"], 2, "trainer.log_every_n_steps=0"),
        (["~callback.scalars"], 2, "callback=default"),
        (["data.classes=[]"], 2, "at least one class"),
        (["data.classes=3"], 2, "must be a list"),
        (["model._target_=os.system"], 2, "not allowed"),
        (["model.loss._target_=sparring.run.directory.Path"], 2, "not allowed"),
    ],
)
def test_bad_settings_end_in_one_sentence(
    overrides: list[str], code: int, message: str, tmp_path: Path, cache_dir: Path
) -> None:
    refused = command(*places(tmp_path, cache_dir), *RUN, *overrides, check=code)
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
