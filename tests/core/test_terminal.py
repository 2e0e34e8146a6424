"""Control characters of foreign names do not reach the terminal, whichever way a text goes there."""

import ast
import subprocess
import sys

import pytest

from sparring.core.errors import SparringError
from sparring.core.package import FOLDER
from sparring.core.terminal import say

HOSTILE = "cat\x1b]0;owned\x07\x1b[2J\u202egpj.exe"
WRITTEN = "cat\\x1b]0;owned\\x07\\x1b[2J\\u202egpj.exe"


def test_say_writes_them_out(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"class {HOSTILE}\nnext line ±")
    say(HOSTILE, file=sys.stdout)
    out, err = capsys.readouterr()
    assert err == f"class {WRITTEN}\nnext line ±\n"
    assert out == f"{WRITTEN}\n"


def test_logs_and_errors_write_them_out() -> None:
    """In a process of its own, since records are made so for the whole process; an error that is not ours has a traceback."""
    code = f"""
import logging
from sparring.cli.main import guarded
name = {HOSTILE!r}
def main():
    logging.getLogger("another.library").warning("%s is damaged", name)
    raise RuntimeError(name)
raise SystemExit(guarded(main))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{WRITTEN} is damaged" in done.stderr
    assert f"RuntimeError: {WRITTEN}" in done.stderr
    assert "\x1b" not in done.stderr
    assert str(SparringError(HOSTILE)) == WRITTEN


def test_nothing_else_prints() -> None:
    """A `print` elsewhere would go around the cleaning; so would a log handler of one's own."""
    found = []
    for file in FOLDER.rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        names = {each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in calls}
        if names & {"print", "print_exc", "print_exception", "StreamHandler"}:
            found.append(file.relative_to(FOLDER).as_posix())
    # The two that draw with rich, whose texts are cleaned where they are given.
    assert sorted(found) == ["cli/sweep_table.py", "core/terminal.py", "study/engine/display.py"]
