"""Files that are read in one go, functions that fit on a screen."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILE, FUNCTION = 250, 60  # lines at most; a docstring does not count to its function
FOLDERS = ("src", "tests", "benchmarks", "examples")


def files() -> list[Path]:
    return [*ROOT.glob("*.py"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))]


def functions(source: str) -> Iterator[tuple[str, int]]:
    """(name, lines without its docstring) of every function, nested ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node, clean=False) is not None
            docstring = first.end_lineno - first.lineno + 1 if documented and first.end_lineno else 0
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def test_a_file_has_250_lines_at_most() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files()}
    assert len(lengths) > 500
    assert {file: lines for file, lines in lengths.items() if lines > FILE} == {}


@pytest.mark.slow
def test_a_function_has_60_lines_at_most() -> None:
    long = {
        f"{file.relative_to(ROOT)} {name}": lines
        for file in files()
        for name, lines in functions(file.read_text())
        if lines > FUNCTION
    }
    assert long == {}


def test_lines_are_counted_as_said() -> None:
    source = 'async def outer():\n    """Two\n    lines."""\n    def inner():\n        return 1\n    return inner\n'
    assert dict(functions(source)) == {"outer": 4, "inner": 2}
