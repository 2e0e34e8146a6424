"""docs/notebook.ipynb runs from top to bottom in a fresh interpreter, in little time, and stores little.

Its cells are run by the few lines below and not by a Jupyter kernel: they are plain Python, without magics or widgets, so a
kernel would add several dozen packages to the development tools and find nothing more. What a cell's last line shows is asked for
its HTML, as a notebook does.
"""

import ast
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
CPU_SECONDS = 120
STORED_BYTES = 40_000  # of one output: a small grid
RUN_CELLS = """
import ast, json, sys

names = {"__name__": "__main__"}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] != "code":
        continue
    tree = ast.parse("".join(cell["source"]))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell["id"], "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
        if hasattr(value, "_repr_html_"):
            print(value._repr_html_())
"""


def code_cells() -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.slow
def test_the_notebook_runs_within_two_minutes(tmp_path: Path, cache_dir: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    places = {"SPARRING_LOG_DIR": str(tmp_path / "logs"), "SPARRING_CACHE_DIR": str(cache_dir), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", RUN_CELLS, str(NOTEBOOK)],
        cwd=tmp_path, env=os.environ | places, capture_output=True, text=True, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert "<img src='data:image/png;base64," in done.stdout
    assert "did you mean dcgan" in done.stdout
    assert "which no file can build" in done.stdout
    assert done.stdout.splitlines()[-1] == "True"  # the network that was given again draws the same images
    assert len(done.stderr.splitlines()) < 30, done.stderr  # a notebook shows little but what it was asked for
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < CPU_SECONDS


def test_its_cells_are_plain_python_and_were_run_in_order() -> None:
    cells = code_cells()
    for cell in cells:
        ast.parse("".join(cell["source"]))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


def test_what_it_stores_is_small_has_no_error_and_names_no_machine() -> None:
    for cell in code_cells():
        for output in cell["outputs"]:
            text = json.dumps(output)
            assert output["output_type"] != "error"
            assert len(text) < STORED_BYTES
            assert not any(place in text for place in ("/home/", "/tmp/", "/root/", "/Users/", "C:\\\\"))
