"""The same few images written in every format that is read."""

import gzip
import io
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import savemat

Arrays = dict[str, tuple[np.ndarray, np.ndarray]]  # split -> image (N, C, H, W) uint8, label (N,) int64
SIZES = {"train": 60, "test": 20}


def random_images(channels: int, size: int, num_classes: int) -> Arrays:
    """Noise over a slope that rises to the right in the first channel only: no flip or transposition maps it to itself."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, count in SIZES.items():
        image = random.integers(0, 100, (count, channels, size, size))
        image[:, 0] += np.linspace(0, 150, size).astype(np.int64)
        arrays[split] = image.astype(np.uint8), np.arange(count) % num_classes
    return arrays


def encode(image: np.ndarray, kind: str = "PNG") -> bytes:
    """PNG or JPEG bytes of a (C, H, W) uint8 array."""
    buffer = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(buffer, kind)
    return buffer.getvalue()


def write_parquet(file: Path, rows: list[bytes | None], labels: list[Any], columns: tuple[str, str]) -> None:
    images = pa.array([{"bytes": row, "path": f"{i}.png"} for i, row in enumerate(rows)])
    pq.write_table(pa.table({columns[0]: images, columns[1]: pa.array(labels)}), file, row_group_size=16)


def parquet(folder: Path, arrays: Arrays, columns: tuple[str, str] = ("image", "label")) -> Path:
    for split, (image, label) in arrays.items():
        write_parquet(folder / f"{split}.parquet", [encode(row) for row in image], label.tolist(), columns)
    return folder


def npz_keras(folder: Path, arrays: Arrays) -> Path:
    (train, y_train), (test, y_test) = arrays["train"], arrays["test"]
    nhwc = {"x_train": train.transpose(0, 2, 3, 1), "x_test": test.transpose(0, 2, 3, 1)}
    if train.shape[1] == 1:
        nhwc = {key: value[..., 0] for key, value in nhwc.items()}
    np.savez(folder / "set.npz", **nhwc, y_train=y_train[:, None], y_test=y_test)
    return folder / "set.npz"


def npz_medmnist(folder: Path, arrays: Arrays) -> Path:
    fields = {
        f"{split}_{kind}": value
        for split, pair in arrays.items()
        for kind, value in zip(("images", "labels"), pair, strict=True)
    }
    np.savez_compressed(folder / "set.npz", **fields)
    return folder


def idx(folder: Path, arrays: Arrays, compress: bool = False) -> Path:
    for split, prefix in (("train", "train"), ("test", "t10k")):
        image, label = arrays[split]
        data = {
            "images-idx3": struct.pack(">4I", 0x803, len(image), *image.shape[2:]) + image.tobytes(),
            "labels-idx1": struct.pack(">2I", 0x801, len(label)) + label.astype(np.uint8).tobytes(),
        }
        for kind, content in data.items():
            name = f"{prefix}-{kind}-ubyte" + (".gz" if compress else "")
            (folder / name).write_bytes(gzip.compress(content) if compress else content)
    return folder


def idx_gz(folder: Path, arrays: Arrays) -> Path:
    return idx(folder, arrays, compress=True)


def _batches(arrays: Arrays, fine: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """CIFAR-10 in five train batches, CIFAR-100 in one."""
    names = ["train"] if fine else [f"data_batch_{i}" for i in range(1, 6)]
    image, label = arrays["train"]
    parts = zip(names, np.split(image, len(names)), np.split(label, len(names)), strict=True)
    return {name: (x, y) for name, x, y in parts} | {"test" if fine else "test_batch": arrays["test"]}


def cifar_pickle(folder: Path, arrays: Arrays, fine: bool = False) -> Path:
    place = folder / ("cifar-100-python" if fine else "cifar-10-batches-py")
    place.mkdir()
    for name, (image, label) in _batches(arrays, fine).items():
        batch = {b"data": image.reshape(len(image), -1), b"fine_labels" if fine else b"labels": label.tolist()}
        (place / name).write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def cifar_binary(folder: Path, arrays: Arrays, fine: bool = False) -> Path:
    place = folder / ("cifar-100-binary" if fine else "cifar-10-batches-bin")
    place.mkdir()
    for name, (image, label) in _batches(arrays, fine).items():
        records = (bytes([7] * fine + [k]) + x.tobytes() for x, k in zip(image, label, strict=True))
        (place / f"{name}.bin").write_bytes(b"".join(records))
    return place


def tarred(writer: Callable[..., Path], archive: str, **options: Any) -> Callable[[Path, Arrays], Path]:
    """The same files as `writer` leaves, in a tar.gz in the reverse of their order, as an archive's order means nothing."""

    def write(folder: Path, arrays: Arrays) -> Path:
        (folder / "files").mkdir()
        writer(folder / "files", arrays, **options)
        with tarfile.open(folder / archive, "w:gz") as tar:
            for file in sorted((folder / "files").rglob("*"), reverse=True):
                tar.add(file, file.relative_to(folder / "files"), recursive=False)
        return folder / archive

    write.__name__ = f"{writer.__name__}_tar"
    return write


def svhn_mat(folder: Path, arrays: Arrays) -> Path:
    for split, (image, label) in arrays.items():
        labels = np.where(label == 0, 10, label).astype(np.uint8)[:, None]
        savemat(
            folder / f"{split}_32x32.mat", {"X": np.stack([x.transpose(1, 2, 0) for x in image], axis=-1), "y": labels}
        )
    return folder


def stl_bin(folder: Path, arrays: Arrays) -> Path:
    for split, (image, label) in arrays.items():
        planes = (plane.flatten(order="F").tobytes() for x in image for plane in x)
        (folder / f"{split}_X.bin").write_bytes(b"".join(planes))
        (folder / f"{split}_y.bin").write_bytes((label + 1).astype(np.uint8).tobytes())
    return folder
