"""Trainings and stages on an accelerator that is pretended: nothing mixes devices, and ordinary iterations never wait for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration

from tests.conftest import ROOT

# Each stands for others: with classes, lazy penalties, an augmentation, a classifier beside, no labels, an attack within.
PRESETS = ["classifier", "rpgan", "advgan", "sngan", "stylegan2_ada", "gan_classifier", "ssgan"]
# The exact ball of an attack is computed in float64, on the CPU where the device has none; a CUDA device has it.
EXPECTED = "sparring/attack/math/norm_ball.py"


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"), reason="torch has no such backend"
)
def test_nothing_mixes_devices_or_waits(tmp_path: Path) -> None:
    """A backend is registered once per process, so all parts run in one of their own."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    program = str(Path(__file__).with_name("program.py"))
    done = subprocess.run(
        [sys.executable, program, str(tmp_path), *PRESETS],
        env=environment, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    parts = {
        line["part"]: line for line in map(json.loads, filter(lambda text: text[:1] == "{", done.stdout.splitlines()))
    }
    assert set(PRESETS) <= set(parts)
    assert len(parts) > len(PRESETS) + 8  # the stages that use the runs
    assert {part: line["error"] for part, line in parts.items() if line["error"]} == {}
    waits = {part: [place for place in parts[part]["waits"] if EXPECTED not in place] for part in [*PRESETS, "storage"]}
    assert {part: places for part, places in waits.items() if places} == {}
    assert all(parts[preset]["cpu_seconds"] is None for preset in PRESETS)  # the record knows where it was trained
