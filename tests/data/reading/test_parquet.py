"""Parquet of strangers: metadata and labels that are not what they should be."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from sparring.core.errors import DataError
from sparring.data.reading.format.parquet import Parquet


def names_of(file: Path, label: pyarrow.Array, metadata: bytes | None = None) -> tuple[str, ...]:
    """The class names of a file that was written with these labels."""
    table = pyarrow.table({"image": pyarrow.array([b"x"] * len(label)), "label": label})
    pyarrow.parquet.write_table(table.replace_schema_metadata({"huggingface": metadata} if metadata else None), file)
    return Parquet().class_names({"train": [file]})


def stated(names: Any) -> bytes:
    return json.dumps({"info": {"features": {"label": {"names": names}}}}).encode()


def test_names_that_the_metadata_state(tmp_path: Path) -> None:
    assert names_of(tmp_path / "a.parquet", pyarrow.array([0, 1]), stated(["cat", "dog"])) == ("cat", "dog")


@pytest.mark.parametrize(
    "metadata",
    [b"{", b"\xff\xfe", b"[]", b"null", b'"info"', b"[" * 100_000, b'{"info": []}', b'{"info": {"features": null}}',
     b'{"info": {"features": {"label": "names"}}}', stated("ab"), stated([1, 2]), stated({"0": "a"}), stated(["a", "a"])],
    ids=range(13),
)  # fmt: skip
def test_odd_metadata_state_no_names(metadata: bytes, tmp_path: Path) -> None:
    assert names_of(tmp_path / "a.parquet", pyarrow.array([0, 2]), metadata) == ("0", "1", "2")


@pytest.mark.parametrize("label", [[[1, 0], [0, 1]], [{"class": 1}, {"class": 0}], [None, None]])
def test_labels_that_are_no_labels_are_refused(label: list[Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Column label of .*a\.parquet holds .*set data\.label_column"):
        names_of(tmp_path / "a.parquet", pyarrow.array(label))
