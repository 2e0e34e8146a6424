"""Every setting that a message of sparring names exists, and every choice that it names can be chosen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparring.cli.again import _KEYS
from sparring.core.package import FOLDER
from tests.config.known import names, unknown

HINT = re.compile(r"(?<![\w.{}@/\"\\-])(~?\+?[a-z_]+(?:[./@][a-z_0-9]+)*)=([\w./+-]*)(?![=\w])")
# `group=choice` in help and in advice on quoting, an attribute of a class, an option of the shell's completion.
GRAMMAR = ("group", "setting", "key", "differentiable", "install")
PROGRAM = re.compile(r"\s*import \w+")  # the source of a process to start is no message
OF_SWEEPS = {f"sweep.{key}" for key in _KEYS}  # read before Hydra


def messages(file: Path) -> Iterator[str]:
    """The texts of a module but its docstrings, a placeholder for what an f-string puts in."""
    tree = ast.parse(file.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docs | parts):
            yield node.value


def hints() -> list[tuple[str, str, str]]:
    found = []
    for file in sorted(FOLDER.rglob("*.py")):
        for text in messages(file):
            if " " in text and not PROGRAM.match(text):
                found += [(file.relative_to(FOLDER).as_posix(), key, value) for key, value in HINT.findall(text)]
    return sorted(set(found))


@pytest.mark.slow
def test_every_hint_names_what_there_is() -> None:
    """A name that merely repeats an argument of a leaf (`steps={...}`) is no hint; one with a dot or a value is."""
    wrong = []
    for where, key, value in hints():
        value = value.rstrip(".")
        repeats = not value and "." not in key and "/" not in key
        free = key in OF_SWEEPS or key.startswith(("hydra", *GRAMMAR))
        if not repeats and not free and unknown(f"{key}={value}"):
            wrong.append(f"{where}: {key}={value}")
    assert not wrong


def test_a_hint_that_names_nothing_is_found() -> None:
    assert HINT.findall("give loss=margin, or ~model/mix=x.") == [("loss", "margin"), ("~model/mix", "x.")]
    assert "loss" not in names()
    assert {"pgd", "ensemble"} <= names()["attack"]
    assert {"model.generator_optimizer.lr", "callback.checkpoint.every", "attack.loss"} <= set(names())
