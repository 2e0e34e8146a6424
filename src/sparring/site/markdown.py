"""Texts of this package as Markdown."""

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\*_<\[\]{}|])")


def escaped(text: str) -> str:
    """Text whose words in backticks stay code, and whose other characters mean nothing to Markdown."""
    parts = re.split(r"(`+[^`]+`+)", text)
    return "".join(part if number % 2 else _SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts))


def paragraph(text: str) -> str:
    """A paragraph of a docstring; one that is indented is a formula or a table and keeps its lines."""
    if text.startswith("    "):
        return text
    return "\n".join(
        escaped(line) if not line.startswith("- ") else f"- {escaped(line[2:])}" for line in text.split("\n")
    )


def code(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    cells = ([re.sub(r"(?<!\\)\|", r"\|", cell) for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def toctree(caption: str, pages: Iterable[str], *, depth: int = 1, hidden: bool = True) -> str:
    options = [*([f":caption: {caption}"] if caption else []), f":maxdepth: {depth}", *([":hidden:"] if hidden else [])]
    return "\n".join(["```{toctree}", *options, "", *pages, "```"])
