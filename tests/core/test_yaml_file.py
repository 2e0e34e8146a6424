"""YAML of strangers: bombs, loops, tags and binary end in one clause, and at once."""

import os
import time
from pathlib import Path

import pytest

from sparring.core.yaml_file import MAX_BYTES, Unreadable, read_yaml


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(lines)


BAD = {
    "billion laughs": (laughs(9).encode(), "more than 100000 values"),
    "itself": (b"a: &a [*a]", "refers to itself"),
    "itself, in a mapping": (b"&a {b: *a}", "refers to itself"),
    "no anchor": (b"a: *b", "refers to itself, or to nothing"),
    "deep": (b"[" * 5000 + b"]" * 5000, "levels deep"),
    "deep mapping": (b"{a: " * 100 + b"1" + b"}" * 100, "levels deep"),
    "tag": (b"a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    "binary": (b"\xff\xfe\x00\x01", "decode"),
    "control": (b"a: \x1b[2J", "not allowed"),
    "long": (b"a: " + b"x" * MAX_BYTES, "bytes, more than"),
    "number": (b"a: " + b"9" * 9999, "digits"),
    "twice": (b"a: 1\na: 2", "duplicate"),
    "list as a key": (b"? [1, 2]\n: 3", "key"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_said_in_one_clause(name: str, tmp_path: Path) -> None:
    content, expected = BAD[name]
    file = tmp_path / "file.yaml"
    file.write_bytes(content)
    started = time.monotonic()
    with pytest.raises(Unreadable, match=expected) as raised:
        read_yaml(file)
    assert time.monotonic() - started < 5
    text = str(raised.value)
    assert text
    assert text.isprintable()


def test_a_pipe_a_folder_and_a_broken_link(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("nowhere")
    for name in ("pipe.yaml", "link.yaml", "."):
        with pytest.raises(Unreadable):
            read_yaml(tmp_path / name)


def test_plain_values_with_a_few_aliases(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("a: &a {rate: 1e-3, flip: true}\nb: *a\nc: ${oc.env:HOME}\nd: [1, null]\n")
    entry = {"rate": 0.001, "flip": True}
    assert read_yaml(file) == {"a": entry, "b": entry, "c": "${oc.env:HOME}", "d": [1, None]}
