"""Every choice of conf/, with what its file and the docstrings of its class say about it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from sparring.config.comments import source_of, targets

_SECTION = re.compile(r"(Args|Raises|Returns|Yields|Shapes?|Attributes|Examples?):")


@dataclass(frozen=True)
class Leaf:
    """One choice: `model/loss=hinge` is Leaf("model/loss", "hinge", conf/model/loss/hinge.yaml)."""

    group: str
    name: str
    file: Path

    @property
    def override(self) -> str:
        return f"{self.group}={self.name}"

    @property
    def anchor(self) -> str:
        """Its place on the site; no other leaf has the same."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.group}-{self.name}".lower())

    @cached_property
    def text(self) -> str:
        return self.file.read_text("utf-8")

    @cached_property
    def content(self) -> dict[str, object]:
        """The YAML, as plain containers."""
        return yaml.safe_load(self.text) or {}

    @cached_property
    def comment(self) -> list[str]:
        """The first comment lines of the file, without the commands in them and without Hydra's."""
        lines = []
        for line in self.text.splitlines():
            if not line.startswith("#"):
                break
            if not re.match(r"# *@package|#\s+(python|torchrun|mpirun) ", line):
                lines.append(line.removeprefix("#").strip())
        return lines

    @cached_property
    def target(self) -> str | None:
        """The first class that the file names; None for a file that names other choices or settings alone."""
        return next(targets(self.content), None)

    @cached_property
    def prose(self) -> list[str]:
        """Paragraphs of the docstrings of its module and of its class, up to the arguments; citation and formula are there."""
        found = source_of(self.target or "")
        if found is None:
            return []
        file, name = found
        tree = ast.parse(file.read_text("utf-8"))
        classes = (node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name)
        return [*_paragraphs(tree), *(part for node in classes for part in _paragraphs(node))]


def _paragraphs(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    """Of a docstring, before its first section."""
    for part in (ast.get_docstring(node) or "").split("\n\n"):
        if _SECTION.match(part):
            return
        if part.strip():
            yield part


def all_leaves(conf: Path) -> list[Leaf]:
    """Every choice below a folder of configurations, by group and name; a file with an underscore is a part of others."""
    files = [file for file in conf.rglob("*.yaml") if file.parent != conf and not file.name.startswith("_")]
    leaves = [Leaf(file.parent.relative_to(conf).as_posix(), file.stem, file) for file in files]
    return sorted(leaves, key=lambda leaf: (leaf.group, leaf.name))
