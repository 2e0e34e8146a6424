"""A small program with a conf/ tree like the real one, started as a user would start it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.warm import run_script

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

FILES = {
    "toy.yaml": """\
# Does nothing.
#   python toy.py seed=2    example
defaults:
  - _self_
  - model: small
  - data: digits
  - trainer: default
  - logger: [csv]
  - paths: default
  - hydra: default
  - experiment: null
seed: 1
name: ${hydra:runtime.choices.model}_${hydra:runtime.choices.data}
resume: null
extensions: []
act: nothing
""",
    "model/_base.yaml": "defaults: [{loss: hinge}]\nwidth: 8\nrate: 0.5\nshape: [1, 2]\n",
    "model/small.yaml": "defaults: [_base]\n",
    "model/large.yaml": "defaults: [_base]\ndepth: 3\n",
    "model/loss/hinge.yaml": "margin: 1.0\n",
    "model/loss/rpgan.yaml": "margin: 2.0\n",
    "data/digits.yaml": "path: null\nflip: false\nnum_classes: 10\nseed: ${seed}\n",
    "data/cifar10.yaml": "path: null\nflip: true\nnum_classes: 10\nseed: ${seed}\n",
    "trainer/default.yaml": "max_steps: 10\ndevices: 1\n",
    "logger/csv.yaml": "csv: {every: 1}\n",
    "logger/wandb.yaml": "wandb: {mode: auto}\n",
    "experiment/tuned.yaml": "# @package _global_\ndefaults:\n  - override /model: large\nmodel: {rate: 0.25}\n",
    "experiment/foreign.yaml": "# @package _global_\nextensions: [evil]\n",
    "experiment/misspelt.yaml": "# @package _global_\nsead: 3\n",
    "experiment/broken.yaml": "# @package _global_\ndefaults:\n  - override /model: lrge\n",
}


@dataclass(frozen=True)
class Result:
    """What a process left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Program:
    """A script in a folder of its own."""

    script: Path

    @classmethod
    def make(cls, parent: Path) -> "Program":
        """toy.py beside a conf/ with the real paths and hydra groups."""
        folder = parent / "with space"
        for name, text in FILES.items():
            file = folder / "conf" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for group in ("hydra", "paths"):
            shutil.copytree(ROOT / "conf" / group, folder / "conf" / group)
        shutil.copy(HERE / "toy.py", folder)
        return cls(folder / "toy.py")

    @property
    def folder(self) -> Path:
        return self.script.parent

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.script), *arguments]

    def environment(self, **extra: str) -> dict[str, str]:
        """Of the tests, without what steers sparring, and with `extra`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SPARRING_", "WANDB_"))}
        return {**inherited, **extra}

    def __call__(self, *arguments: str, cwd: Path | None = None, **environment: str) -> Result:
        """Run in a fork of this process, which has imported Hydra already: a third of the time of a fresh one."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            pid = os.fork()
            if pid == 0:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os._exit(run_script(self.command(*arguments)[1:], cwd or self.folder, self.environment(**environment)))
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            out.seek(0)
            err.seek(0)
            return Result(code, out.read(), err.read())

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """A real process, as from a shell, with its output in one pipe."""
        return subprocess.Popen(
            self.command(*arguments), cwd=self.folder, env=self.environment(**environment), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def runs(self) -> list[Path]:
        """Directories below logs/ in which a stage ran."""
        return sorted({path.parent for path in self.folder.glob("logs/**/record_*.json")})

    def record(self, run: Path, rank: int = 0) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((run / f"record_{rank}.json").read_text())
        return content


@pytest.fixture
def toy(tmp_path: Path) -> Program:
    """A fresh program; its folder has a space in its name."""
    return Program.make(tmp_path)
