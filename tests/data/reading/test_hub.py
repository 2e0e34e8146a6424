"""The hub without network: which files are chosen, from which cache they come, and what is said if there are none."""

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sparring.core.errors import ConfigError, DataError
from sparring.data.reading import download
from sparring.data.reading.download import choose_files, fetch
from sparring.data.reading.format.parquet import split_files
from sparring.data.reading.source import Location
from tests.data.files import encode, parquet, random_images, write_parquet

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train.parquet", "test.parquet"], {"train": 1, "test": 1}),
        (
            ["a/train-00000-of-00002.parquet", "a/train-00001-of-00002.parquet", "a/valid-0.parquet"],
            {"train": 2, "test": 1},
        ),
        (["train/0000.parquet", "validation/0000.parquet", "test/0000.parquet"], {"train": 1, "val": 1, "test": 1}),
        (["testing_set/train.parquet"], {"train": 1}),
        (["data.parquet"], {"train": 1}),
        (["test.parquet"], {"test": 1}),
    ],
)
def test_splits_by_file_name(names: list[str], expected: dict[str, int]) -> None:
    assert {split: len(files) for split, files in split_files(names).items()} == expected


def test_configurations_of_a_hub_data_set() -> None:
    names = [
        f"{c}/{s}-00000-of-00001.parquet"
        for c in ("cropped_digits", "full_numbers")
        for s in ("train", "test", "extra")
    ]
    chosen = choose_files(names, "cropped_digits", "a/b")
    assert chosen == {s: [f"cropped_digits/{s}-00000-of-00001.parquet"] for s in ("train", "test")}
    with pytest.raises(ConfigError, match=r"configurations cropped_digits, full_numbers: set data\.hub_config"):
        choose_files(names, None, "a/b")
    with pytest.raises(ConfigError, match=r"set data\.hub_config"):
        choose_files(names, "nonsense", "a/b")
    assert choose_files(["plain_text/train-0.parquet", "README.md"], None, "a/b") == {
        "train": ["plain_text/train-0.parquet"]
    }
    assert choose_files(["default/partial-train/0000.parquet"], None, "a/b") == {}


def test_no_network_is_said_quickly_with_the_way_out(make: Make, no_hub: Path) -> None:
    start = time.perf_counter()
    with pytest.raises(DataError, match=r"hf download uoft-cs/cifar10 --repo-type dataset.*data\.path=") as raised:
        make("cifar10").setup()
    assert time.perf_counter() - start < 10
    assert "\n" not in str(raised.value)


def test_hubs_own_cache_then_ours_serve_without_network(make: Make, no_hub: Path, tmp_path: Path) -> None:
    repository = no_hub / "datasets--uoft-cs--cifar10"
    snapshot = repository / "snapshots" / "abc123" / "plain_text"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc123")
    arrays = random_images(3, 32, 10)
    parquet(snapshot, arrays, ("img", "label"))
    for split in arrays:
        (snapshot / f"{split}.parquet").rename(snapshot / f"{split}-00000-of-00001.parquet")
    data = make("cifar10", "data.batch_size=4")
    data.setup()
    assert data.origin["commit"] == "abc123"
    for file in snapshot.iterdir():
        file.unlink()
    again = make("cifar10", "data.batch_size=4")
    again.setup()
    assert again.fingerprints() == data.fingerprints()


def test_incomplete_shards_are_not_taken_for_the_data_set(no_hub: Path) -> None:
    snapshot = no_hub / "datasets--a--b" / "snapshots" / "main" / "data"
    snapshot.mkdir(parents=True)
    for name in ("train-00000-of-00002", "test-00000-of-00001"):
        write_parquet(snapshot / f"{name}.parquet", [b""], [0], ("image", "label"))
    with pytest.raises(DataError, match="a/b is not in the cache"):
        fetch(Location(hub_id="a/b"))


def test_download_asks_for_the_files_that_are_read(
    monkeypatch: pytest.MonkeyPatch, make: Make, no_hub: Path, tmp_path: Path
) -> None:
    """huggingface_hub is replaced by one that knows a data set on its parquet branch only."""
    files = [f"default/{split}/0000.parquet" for split in ("test", "train", "unsupervised")]
    asked: dict[str, Any] = {}

    def dataset_info(self: object, repo_id: str, *, revision: str, timeout: float) -> Any:
        names = files if revision == download.CONVERTED else ["README.md", "train.csv"]
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in names])

    def snapshot_download(repo_id: str, **given: Any) -> str:
        asked.update(given)
        folder = tmp_path / "snapshots" / "c0ffee"
        arrays = random_images(3, 32, 10)
        for name in given["allow_patterns"]:
            (folder / name).parent.mkdir(parents=True)
            image, label = arrays["train" if "train" in name else "test"]
            write_parquet(folder / name, [encode(x) for x in image], label.tolist(), ("image", "label"))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", dataset_info)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    data = make("hub", "data.hub_id=owner/set", "data.num_classes=10", "data.batch_size=4")
    data.setup()
    assert sorted(asked["allow_patterns"]) == files[:2]
    assert asked["revision"] == download.CONVERTED
    assert data.origin["commit"] == "c0ffee"
    assert len(data.splits.images["test"]) == 20
