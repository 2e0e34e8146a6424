"""Which images a network saw: records, and when they forbid a judgement."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparring.core.errors import DataError
from sparring.data.serving import provenance
from sparring.data.serving.provenance import Provenance, check, extra_labels, hashes, shared
from sparring.trained.runs import Runs
from sparring.trained.scorer import RunScorers

Make = Callable[..., Any]


def entry(rows: list[int], **changes: Any) -> Provenance:
    """Row r holds the image with hash 100 + r."""
    known = {"split": "train", "source": "a", "content": "a", "decoding": "d", "role": "trained", "labelled": True}
    known |= {"by": "gan", "rows": np.array(rows), "hashes": np.array([100 + r for r in rows], dtype=np.uint64)}
    return Provenance(**{**known, **changes})  # type: ignore[arg-type]


NONE = np.array([], dtype=np.uint64)


def test_rows_decide_for_one_source() -> None:
    assert shared(entry([1, 2, 3]), entry([3, 4]), NONE).tolist() == [3]
    assert shared(entry([1, 2]), entry([3, 4]), NONE).tolist() == []
    # Exact duplicates within a data set: other rows, the same bytes.
    twin = entry([3, 4], hashes=np.array([101, 102], dtype=np.uint64))
    assert shared(entry([1, 2]), twin, NONE).tolist() == []
    assert shared(entry([1, 2], split="test"), entry([1, 2]), NONE).tolist() == []
    # Another source of equal bytes is the same; so is an equal source in another size.
    assert shared(entry([1]), entry([1], source="b"), NONE).tolist() == [1]
    assert shared(entry([1]), entry([1], content="b", decoding="e", hashes=np.array([7], dtype=np.uint64)), NONE) == [1]


def test_images_decide_for_other_sources() -> None:
    other = entry([50, 51], source="b", content="b", hashes=np.array([101, 7], dtype=np.uint64))
    assert shared(entry([1, 2]), other, NONE).tolist() == [1]
    assert shared(entry([1, 2]), other, np.array([101], dtype=np.uint64)).tolist() == []
    with pytest.raises(DataError, match="converted to another size"):
        shared(entry([1]), entry([2], source="b", content="b", decoding="e"), NONE)


def test_what_was_chosen_by_is_forbidden_for_test_only() -> None:
    chosen = entry([1, 2], role="selected")
    check({"val": entry([1, 2]), "test": entry([5])}, [chosen], NONE)
    with pytest.raises(DataError, match="gan was chosen on 1 of the 1 test images"):
        check({"val": entry([3]), "test": entry([2])}, [chosen], NONE)
    with pytest.raises(DataError, match="gan was trained on 2 of the 2 val images"):
        check({"val": entry([1, 2])}, [entry([1, 2, 3])], NONE)


def test_labels_beyond() -> None:
    assert extra_labels(entry([1, 2]), [entry([1]), entry([2, 3, 4]), entry([5, 6, 7, 8], labelled=False)]) == 2
    assert extra_labels(entry([1, 2]), [entry([9, 10], role="selected")]) == 0
    assert extra_labels(entry([1, 2]), [entry([1, 9], source="b", content="b")]) == 1


def test_hash_is_of_each_image() -> None:
    pixels = torch.randint(0, 256, (6, 3, 4, 4), dtype=torch.uint8)
    pixels[5] = pixels[1]
    hashed = hashes(pixels, torch.tensor([5, 0, 1]))
    assert hashed[0] == hashed[2] != hashed[1]


def test_record_is_read_back_and_bound_to_its_training(tmp_path: Path) -> None:
    records = [entry([1, 5], by=""), entry([2], by="labeller", role="selected", labelled=False)]
    provenance.save(tmp_path, records, run=tmp_path, fingerprints={"train": "x"})
    first, second = provenance.load(tmp_path, fingerprints={"train": "x"})
    assert (first.by, second.by, second.role, second.labelled) == (str(tmp_path), "labeller", "selected", False)
    assert first.rows.tolist() == [1, 5]
    assert first.hashes.tolist() == [101, 105]
    with pytest.raises(DataError, match="belongs to another training"):
        provenance.load(tmp_path, fingerprints={"train": "y"})
    with pytest.raises(DataError, match="does not say which images"):
        provenance.load(tmp_path / "elsewhere", fingerprints=None)


def test_damage_anywhere_in_a_record_is_one_sentence(tmp_path: Path) -> None:
    provenance.save(tmp_path, [entry([1, 5])], run=tmp_path, fingerprints={"train": "x"})
    file = tmp_path / provenance.FILE
    whole = file.read_bytes()
    for content in [*(whole[:length] for length in range(0, len(whole), 31)), b"PK"]:
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"provenance\.npz is damaged \(.+\): restore it"):
            provenance.load(tmp_path, fingerprints={"train": "x"})
    read = []
    for at in range(0, len(whole), 7):
        file.write_bytes(bytes([*whole[:at], whole[at] ^ 0xFF, *whole[at + 1 :]]))
        with contextlib.suppress(DataError):
            read += provenance.load(tmp_path, fingerprints={"train": "x"})
    assert len(read) < len(whole) / 7 / 2  # those with other bytes in what no reader needs, such as the time of day
    assert all((each.rows.tolist(), each.hashes.tolist()) == ([1, 5], [101, 105]) for each in read)


@pytest.mark.parametrize(
    "rows", [np.array([0.5, 1]), np.array([[1, 2]]), np.array([1, 2, 3])], ids=["fractions", "two axes", "too many"]
)
def test_rows_that_are_no_rows_are_damage(rows: np.ndarray, tmp_path: Path) -> None:
    hashed = np.zeros(2, dtype=np.uint64)
    provenance.save(tmp_path, [replace(entry([]), rows=rows, hashes=hashed)], run=tmp_path, fingerprints={})
    with pytest.raises(DataError, match="rows and hashes are no pairs"):
        provenance.load(tmp_path, fingerprints={})


def test_a_run_records_its_train_and_val_rows_and_its_pool(make: Make) -> None:
    data = make("digits", "data/mix=more_real", "data.labels_per_class=10")
    data.setup()
    data.prepare_mix(RunScorers(Runs(Path("unused"))))
    train, val, pool = data.provenance(labelled=True)
    assert train.rows.tolist() == data.splits.images["train"].rows.tolist()
    assert (val.role, pool.labelled) == ("selected", True)
    assert not set(train.rows) & set(val.rows)
    test = data.record("test")
    assert test.split == "test"
    check({"test": test}, [train, val, pool], NONE)


def test_a_gaussians_images_are_no_rows_of_train(make: Make) -> None:
    data = make("digits", "data/mix=gaussian", "data.labels_per_class=10", "data.mix.per_class=30")
    data.setup()
    data.prepare_mix(RunScorers(Runs(Path("unused"))))
    train, val = data.provenance(labelled=True)
    assert (len(train.rows), val.role) == (100, "selected")
    check({"val": data.record("val"), "test": data.record("test")}, [train, val], NONE)
    assert extra_labels(train, [train, val]) == 0


def test_a_record_that_unpacks_to_more_than_any_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provenance.save(tmp_path, [entry(range(1000))], run=tmp_path, fingerprints={})
    assert provenance.load(tmp_path, fingerprints={})
    monkeypatch.setattr(provenance, "MOST_BYTES", 10_000)
    with pytest.raises(DataError, match=r"provenance\.npz is damaged \(it unpacks to"):
        provenance.load(tmp_path, fingerprints={})
