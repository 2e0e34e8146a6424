"""Every YAML has its module; folders, columns and bad paths."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import ConfigError, DataError
from sparring.core.package import FOLDER
from sparring.data.reading.public import PublicSource
from sparring.data.reading.source import Source
from tests.data.conftest import CONF, compose_data
from tests.data.files import encode, idx, parquet, random_images, write_parquet

Make = Callable[..., Any]
LEAVES = sorted(file.stem for file in (CONF / "data").glob("[!_]*.yaml"))


@pytest.mark.parametrize("name", LEAVES)
def test_override_is_the_address(name: str, tmp_path: Path) -> None:
    config = compose_data(name, tmp_path, "data.num_classes=10").data
    module, class_name = config.source._target_.rsplit(".", 1)
    assert module == f"sparring.data.{name}"
    assert config.name == name
    arguments = {str(key): "given" for key in config.source if key != "_target_"}
    source = getattr(importlib.import_module(module), class_name)(**arguments)
    assert isinstance(source, Source)
    if isinstance(source, PublicSource) and source.channels:
        shipped = compose_data(name, tmp_path).data
        assert (shipped.channels, shipped.image_size) == (source.channels, source.image_size)
        assert shipped.num_classes == len(source.class_names)


def test_every_source_has_its_yaml() -> None:
    for file in (FOLDER / "data").glob("*.py"):
        module = importlib.import_module(f"sparring.data.{file.stem}")
        classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Source)]
        if any(c.__module__ == module.__name__ and c not in (Source, PublicSource) for c in classes):
            assert file.stem in LEAVES


def image_folder(root: Path, counts: dict[str, int]) -> Path:
    """Class folders with files of mixed modes, sizes and formats, some of them deeper."""
    for name, count in counts.items():
        for i in range(count):
            folder = root / name / ("deeper" if i % 3 == 0 else "")
            folder.mkdir(parents=True, exist_ok=True)
            image = Image.new(["RGB", "L", "RGBA", "P"][i % 4], (20 + i, 30), color=i)
            image.save(folder / f"{i:02}.{'png' if i % 2 else 'gif'}")
        (root / name / "notes.txt").write_text("not an image")
    return root


def test_folder_of_mixed_images(make: Make, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "input", {"cat": 10, "ant": 20})
    data = make("folder", f"data.path={root}", "data.num_classes=2", "data.batch_size=4")
    data.setup()
    assert data.class_names == ("ant", "cat")
    assert {split: len(images) for split, images in data.splits.images.items()} == {"train": 24, "val": 3, "test": 3}
    assert data.train_images([0]).shape == (1, 3, 32, 32)


def test_folder_with_its_own_splits_notices_new_files(make: Make, tmp_path: Path) -> None:
    image_folder(tmp_path / "input" / "train", {"a": 10, "b": 10})
    image_folder(tmp_path / "input" / "val", {"a": 4, "b": 2})
    overrides = f"data.path={tmp_path}/input", "data.num_classes=2", "data.batch_size=4", "data.val_fraction=0.2"
    data = make("folder", *overrides)
    data.setup()
    assert torch.bincount(data.splits.images["test"].label).tolist() == [4, 2]
    image_folder(tmp_path / "input" / "val", {"b": 3})
    again = make("folder", *overrides)
    again.setup()
    assert torch.bincount(again.splits.images["test"].label).tolist() == [4, 3]


def test_broken_image_in_a_folder_is_named_or_skipped(make: Make, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "input", {"a": 20, "b": 20})
    (root / "b" / "page.png").write_text("<html>")
    overrides = f"data.path={root}", "data.num_classes=2", "data.batch_size=4"
    with pytest.raises(DataError, match=r"b/page\.png does not decode"):
        make("folder", *overrides).setup()
    data = make("folder", *overrides, "data.on_error=skip")
    data.setup()
    assert sum(len(images) for images in data.splits.images.values()) == 40
    assert data.origin["skipped"] == 1


@pytest.mark.parametrize(
    ("name", "build", "message"),
    [
        ("cifar10", lambda p: None, "does not exist"),
        ("cifar10", lambda p: p.mkdir(), "is an empty folder"),
        ("cifar10", lambda p: p.touch(), "is an empty file"),
        ("cifar10", lambda p: p.write_text("hello"), "holds none of the formats .*cifar-10-python.tar.gz"),
        ("cifar10", lambda p: (p.mkdir(), (p / "a.txt").touch()), "only a.txt"),
        ("folder", lambda p: None, "does not exist"),
        ("folder", lambda p: p.write_text("hello"), "is a file"),
        ("folder", lambda p: (p.mkdir(), (p / "a.png").touch()), "has no sub-folders"),
        ("folder", lambda p: (p / "cat").mkdir(parents=True), "cat holds no images"),
        ("cifar10", lambda p: (p.mkdir(), idx(p, random_images(1, 28, 10))), "holds none of the formats"),
        ("cifar10", lambda p: (p.mkdir(), parquet(p, random_images(1, 28, 10))), "1 channels and 28x28 .* 3 and 32x32"),
        ("cifar10", lambda p: (p.mkdir(), parquet(p, random_images(3, 32, 11))), "is 10, outside 0..9"),
        ("hub", lambda p: (p.mkdir(), parquet(p, random_images(3, 32, 9))), "num_classes=10 but the data has 9"),
        ("hub", lambda p: (p.mkdir(), parquet(p, random_images(3, 32, 9), ("x", "y"))), "columns x, y, not label"),
        ("mnist", lambda p: (p.mkdir(), (p / "train-images-idx3-ubyte").touch()), "only some of the IDX files"),
    ],
)  # fmt: skip
def test_bad_path_is_one_sentence(
    name: str, build: Callable[[Path], Any], message: str, make: Make, tmp_path: Path
) -> None:
    build(tmp_path / "input")
    with pytest.raises((DataError, ConfigError), match=message) as raised:
        make(name, f"data.path={tmp_path}/input", "data.num_classes=10").setup()
    assert "\n" not in str(raised.value)


def test_hub_columns_and_text_labels(make: Make, tmp_path: Path) -> None:
    image, label = random_images(3, 8, 3)["train"]
    names = np.array(["dog", "ant", "cat"])
    write_parquet(tmp_path / "train.parquet", [encode(x) for x in image], names[label].tolist(), ("picture", "species"))
    columns = "data.image_column=picture", "data.label_column=species"
    data = make(
        "hub", f"data.path={tmp_path}", "data.num_classes=3", "data.image_size=8", "data.batch_size=4", *columns
    )
    data.setup()
    assert data.class_names == ("ant", "cat", "dog")
    row = int(data.splits.images["train"].rows[0])
    assert torch.equal(data.train_images([0])[0], torch.from_numpy(image[row]))
    assert data.class_names[data.train_labels[0]] == names[label[row]]


def test_missing_label_or_image_is_located(make: Make, tmp_path: Path) -> None:
    image = [encode(x) for x in random_images(3, 32, 2)["train"][0]]
    write_parquet(tmp_path / "a.parquet", image[:4], [0, None, 1, 0], ("image", "label"))
    write_parquet(tmp_path / "b.parquet", [*image[:3], None], [0, 1, 1, 0], ("image", "label"))
    for file, message in (("a", r"label of .*row 1 \(1\.png\) is None"), ("b", r"row 3 .* does not decode")):
        with pytest.raises(DataError, match=message):
            make("hub", f"data.path={tmp_path}/{file}.parquet", "data.num_classes=2").setup()


def test_settings_a_source_cannot_use(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"data=hub needs data\.hub_id"):
        make("hub", "data.num_classes=2").setup()
    with pytest.raises(ConfigError, match=r"data=folder needs data\.path"):
        make("folder", "data.num_classes=2").setup()
    with pytest.raises(ConfigError, match=r"data\.hub_id=a/b cannot be used here"):
        make("folder", "data.num_classes=2", "data.hub_id=a/b").setup()


FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.slow
@pytest.mark.skipif(not FASHION.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_fashion_mnist_of_debian(make: Make, no_hub: Path) -> None:
    data = make("fashion_mnist", "data.val_fraction=0")
    data.setup()
    assert torch.bincount(data.train_labels).tolist() == [6000] * 10
    assert data.train_labels[:5].tolist() == [9, 0, 0, 3, 0]  # as zalandoresearch/fashion-mnist shows them
    assert data.class_names[9] == "Ankle boot"
