"""A stage that takes no time, as a verb of cells that are planned by hand."""

import json
import os
import signal
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import DataError, Interrupted
from sparring.run.directory import RunDir
from sparring.study.engine.cell import Cell
from sparring.study.engine.plan import Planned

CALLS: list[str] = []


def toy(config: Any, run_dir: Path) -> dict[str, Any]:
    """Do what `config.act` says; the value of a cell is one more than the sum of its inputs'."""
    CALLS.append(run_dir.name)
    print(f"toy {run_dir.name}")
    if config.act == "data":
        raise DataError("the images are missing: say data.path=<folder>.")
    if config.act == "bug":
        raise RuntimeError("a programming error\nwith details")
    if config.act == "stop":
        raise Interrupted("stopped by SIGTERM", 15)
    if config.act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    with RunDir.create(run_dir) as run:
        value = 1 + sum(json.loads((Path(each) / "result.json").read_text())["value"] for each in config.inputs)
        classes = None if config.per_class is None else list(config.per_class)
        clock = {"iteration": config.steps, "images_seen": config.steps}
        cost = {"seconds": config.seconds}
        run.write_result(
            {"value": value, "per_class": classes, "clock": clock, "cost": cost, "classes": ["zero", "one"]}
        )
    return {}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makes `toy` a verb; gives the names of the cells that were run."""
    module = types.ModuleType("sparring.stage.toy")
    module.toy = toy  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sparring.stage.toy", module)
    CALLS.clear()
    return CALLS


def planned(
    folder: Path,
    name: str,
    *inputs: str,
    act: str = "",
    key: str = "k",
    steps: int = 5,
    per_class: Any = None,
    seconds: float = 1.0,
    **tags: Any,
) -> Planned:
    config = {
        "act": act, "inputs": [str(folder / other) for other in inputs], "steps": steps, "per_class": per_class,
        "seconds": seconds,
    }  # fmt: skip
    return Planned(Cell(name, "toy", ("act=none",), tags), config, inputs, key, folder / name)
