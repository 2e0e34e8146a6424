"""Every named data set reads every format it is known in: the same images come out, pixel by pixel."""

import gzip
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparring.core.errors import DataError
from sparring.data.reading.format.cifar import restricted_load
from tests.data.files import (
    cifar_binary,
    cifar_pickle,
    idx,
    idx_gz,
    npz_keras,
    npz_medmnist,
    parquet,
    random_images,
    stl_bin,
    svhn_mat,
    tarred,
)  # fmt: skip

fine_pickle, fine_binary = partial(cifar_pickle, fine=True), partial(cifar_binary, fine=True)
SHAPES = {"cifar10": (3, 32, 10), "cifar100": (3, 32, 100), "svhn": (3, 32, 10), "stl10": (3, 96, 10)}
CASES = {
    "mnist": [parquet, npz_keras, npz_medmnist, idx, idx_gz],
    "fashion_mnist": [parquet, idx, idx_gz],
    "cifar10": [
        parquet, npz_keras, npz_medmnist, cifar_pickle, cifar_binary, tarred(cifar_pickle, "any.tar.gz"),
        tarred(cifar_binary, "cifar-10-binary.tar.gz"),
    ],
    "cifar100": [
        partial(parquet, columns=("img", "fine_label")), fine_pickle, fine_binary,
        tarred(cifar_pickle, "cifar-100-python.tar.gz", fine=True),
    ],
    "svhn": [parquet, svhn_mat],
    "stl10": [parquet, stl_bin, tarred(stl_bin, "stl10_binary.tar.gz")],
}  # fmt: skip


def _id(value: Any) -> str:
    return value if isinstance(value, str) else getattr(value, "__name__", "fine")


@pytest.mark.parametrize(("name", "writer"), [(name, w) for name, ws in CASES.items() for w in ws], ids=_id)
def test_same_images_from_every_format(name: str, writer: Any, make: Callable[..., Any], tmp_path: Path) -> None:
    arrays = random_images(*SHAPES.get(name, (1, 28, 10)))
    folder = tmp_path / "input"
    folder.mkdir()
    fraction = "data.val_fraction=0"  # with it, train is the file's own order
    data = make(
        name,
        f"data.path={writer(folder, arrays)}",
        fraction,
        "data.batch_size=1",
        "data.classes=[0,1]",
        "data.num_classes=2",
    )
    data.setup()
    for split, images in data.splits.images.items():
        if split == "val":
            continue
        expected, label = arrays[split]
        keep = label < 2
        image, got = images.take(torch.arange(len(images)))
        assert torch.equal(image, torch.from_numpy(expected[keep]))
        assert got.tolist() == label[keep].tolist()


class _Hostile:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def test_pickles_cannot_run_code(tmp_path: Path) -> None:
    trace = tmp_path / "was-here"
    pickle.loads(pickle.dumps(_Hostile(trace)))  # an ordinary unpickler runs it
    assert trace.exists()
    trace.unlink()
    with pytest.raises(DataError, match=r"asks for pathlib\.\S+, which no CIFAR file needs"):
        restricted_load(pickle.dumps({"data": _Hostile(trace)}), "batch")
    assert not trace.exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_restricted_load_reads_all_protocols(protocol: int) -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    loaded = restricted_load(pickle.dumps({"data": array, "labels": [0, 1]}, protocol=protocol), "batch")
    assert (loaded["data"] == array).all()
    assert loaded["labels"] == [0, 1]


def _cut(file: Path, keep: float = 0.6) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content))])


def _cut_gz(file: Path) -> None:
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-100]))


@pytest.mark.parametrize(
    ("name", "writer", "file", "damage"),
    [
        ("mnist", idx, "train-images-idx3-ubyte", _cut),
        ("mnist", idx_gz, "train-images-idx3-ubyte.gz", _cut),
        ("mnist", idx_gz, "train-images-idx3-ubyte.gz", _cut_gz),
        ("mnist", parquet, "train.parquet", _cut),
        ("mnist", npz_keras, "set.npz", _cut),
        ("cifar10", cifar_pickle, "cifar-10-batches-py/data_batch_3", _cut),
        ("cifar10", cifar_binary, "cifar-10-batches-bin/data_batch_3.bin", _cut),
        ("cifar10", tarred(cifar_pickle, "any.tar.gz"), "any.tar.gz", _cut),
        ("svhn", svhn_mat, "train_32x32.mat", _cut),
        ("stl10", stl_bin, "train_X.bin", _cut),
    ],
    ids=_id,
)
def test_truncated_file_is_named(
    name: str, writer: Any, file: str, damage: Callable[[Path], None], make: Callable[..., Any], tmp_path: Path
) -> None:
    path = writer(tmp_path, random_images(*SHAPES.get(name, (1, 28, 10))))
    damage(tmp_path / file)
    with pytest.raises(DataError, match=Path(file).name) as raised:
        make(name, f"data.path={path}", "data.batch_size=4").setup()
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "cache").glob("*/meta.json"))
    assert not list((tmp_path / "cache").glob(".tmp-*"))
