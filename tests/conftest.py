"""What all tests share: composing the real configuration, and a tiny run on real digits."""

import csv
import gc
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # tests run in parallel processes; two threads each would fight over two cores
os.environ.setdefault("WANDB_MODE", "offline")

import pytest

from sparring.core.allocator import keep_freed_memory
from tests.warm import WARM

if TYPE_CHECKING:  # the process that hands tests to workers imports this file, too, and needs no torch
    import torch
    from omegaconf import DictConfig

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"


def pytest_configure(config: pytest.Config) -> None:
    keep_freed_memory()
    gc.disable()  # hardly anything that is imported or collected before the tests is garbage
    if hasattr(config, "workerinput"):  # W&B's classes look through all modules that there are: 0.5 s now, 5 s later
        import wandb.sdk.launch.sweeps.utils  # noqa: F401


def pytest_collection_finish() -> None:
    """In processes that run tests, Hydra composes faster."""
    from tests import composed  # noqa: F401


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """The garbage collector passes over what lasts as long as the tests: 700,000 objects, looked at in 0.3 s."""
    gc.freeze()
    gc.enable()


def compose(*overrides: str, config: str = "train", run_dir: Path | str = "unused") -> "DictConfig":
    """The verb's config as the command line would compose it."""
    from tests import composed

    places = [f"paths.root_dir={ROOT}", f"paths.log_dir={ROOT}/logs", f"paths.run_dir={run_dir}", "name=test"]
    return composed.compose(config, *places, *overrides)


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of decoded data for the whole session."""
    return tmp_path_factory.mktemp("cache")


def trained_here(run: Path, cache_dir: Path, *overrides: str) -> Path:
    """A run of train.py in this process, with the settings on disk that other stages read."""
    from sparring.stage import train as train_stage

    config = compose("report=false", "trainer.accelerator=cpu", f"paths.cache_dir={cache_dir}", *overrides, run_dir=run)
    train_stage.train(config, run)
    return run


@pytest.fixture(scope="session")
def victim_run(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """A classifier of 8 x 8 digits, trained for a second."""
    keys = ["model=classifier", "data.image_size=8", "trainer.max_steps=60", "model.backbone.width=8"]
    return trained_here(tmp_path_factory.mktemp("victim") / "run", cache_dir, *keys)


@dataclass(frozen=True)
class ReadRun:
    """What a finished run left behind."""

    path: Path
    weights: dict[str, "torch.Tensor"]
    metrics: list[dict[str, str]]
    status: dict[str, Any]
    result: dict[str, Any]


def command(
    *overrides: str, verb: str = "train", check: int | None = 0, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a verb as a user would, and check its exit code."""
    done = WARM.run([str(ROOT / f"{verb}.py"), *overrides], cwd=cwd, timeout=280)
    assert check is None or done.returncode == check, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def train(folder: Path, cache_dir: Path, *overrides: str, check: int | None = 0) -> Path:
    """`python train.py` on digits with tiny networks; returns the new run directory under `folder`."""
    before = set(folder.glob("train/*"))
    command(*TINY, f"paths.log_dir={folder}", f"paths.cache_dir={cache_dir}", *overrides, check=check)
    (run,) = set(folder.glob("train/*")) - before
    return run


def read_run(path: Path) -> ReadRun:
    from sparring.run.directory import RunDir

    run = RunDir.open(path)
    with (path / "metrics.csv").open() as file:
        metrics = list(csv.DictReader(file))
    return ReadRun(path, run.load_weights(), metrics, run.status() or {}, run.result())


TINY = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4", "callback.samples.columns=2"]


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """A folder with two saves behind it: previous.ckpt holds 1, last.ckpt holds 2."""
    from sparring.run.checkpoint import VerifiedCheckpointIO
    from tests.run.checkpoint_states import state

    path = tmp_path / "checkpoints" / "last.ckpt"
    for value in (1, 2):
        VerifiedCheckpointIO().save_checkpoint(state(value), path)
    return path
