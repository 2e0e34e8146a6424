"""A stand-in for train.py with a stage that costs nothing; tests copy it into a folder with a conf/ of its own."""

import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.cli import run
from sparring.core.errors import DataError, DivergedError


def toy(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Do what `config.act` says, and leave a record of how it was called."""
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    record = {"argv": sys.argv, "seed": config.seed, "cwd": os.getcwd(), "run_dir": str(run_dir), "rank": rank}
    record["environment"] = {name: os.environ[name] for name in ("MASTER_ADDR", "WANDB_RUN_ID") if name in os.environ}
    record["resume"], record["steps"] = config.resume, config.trainer.max_steps
    (run_dir / f"record_{rank}.json").write_text(json.dumps(record))
    print(f"toy runs seed {config.seed}", flush=True)
    if config.act == "children" and rank == 0:
        _start_child_as_lightning_does()
    if config.act == "data":
        raise DataError("the images are missing: say data.path=<folder>.")
    if config.act == "bug":
        raise RuntimeError("a programming error")
    if config.act == "memory":
        raise MemoryError
    if config.act == "diverge":
        (run_dir / "status.json").write_text(json.dumps({"state": "diverged", "reason": "loss is NaN at iteration 7"}))
        raise DivergedError("loss is NaN at iteration 7.")
    if config.act == "finish":
        (run_dir / "status.json").write_text(json.dumps({"state": "finished", "reason": ""}))
    if config.act == "interrupt":
        raise KeyboardInterrupt
    if config.act == "sleep":
        time.sleep(60)
    return {}


def _start_child_as_lightning_does() -> None:
    """The same command and environment as `_SubprocessScriptLauncher` uses for rank 1."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.utils import get_original_cwd, to_absolute_path

    command = [sys.executable, to_absolute_path(sys.argv[0]), *sys.argv[1:]]
    command += [f'hydra.run.dir="{HydraConfig.get().run.dir}"', "hydra.job.name=train_ddp_process_1"]
    command += ["hydra.output_subdir=null"]
    environment = {**os.environ, "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1"}
    subprocess.run(command, env=environment, cwd=get_original_cwd(), check=True)


if __name__ == "__main__":
    module = types.ModuleType("sparring.stage.toy")
    module.toy = toy  # type: ignore[attr-defined]
    sys.modules["sparring.stage.toy"] = module
    run("toy", config_dir=Path(__file__).resolve().parent / "conf")
