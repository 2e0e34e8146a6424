"""A picture of what a classifier of a study was trained on."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from sparring.config.build import build
from sparring.core.picture import grid_of_rows, write_png
from sparring.core.pixels import to_uint8
from sparring.core.types import Batch
from sparring.data.module.image_data import ImageData
from sparring.data.serving.stream import RawBatch
from sparring.model.transform.base import transformed
from sparring.run.directory import RunDir
from sparring.study.engine.results import CellResult
from sparring.study.tables.analysis import Picture
from sparring.trained.runs import build_model

COLUMNS, ROWS = 10, 10  # images per class; classes shown at most
EACH = 3  # images of a class from one batch: an augmentation that changes whole batches leaves some as they are
BATCHES = 50  # looked at, at most


def training_picture(each: CellResult, *, title: str, note: str) -> Picture:
    """Of a classifier's run: the images that were mixed in where there are any, else the first ones it saw of each class."""
    place = f"cells/{each.cell.name}/images"
    if (each.run / "images" / "mixed.png").exists():
        return Picture(title, f"{place}/mixed.png", f"{note} (here: the added images)")
    draw_batches(each.run)
    return Picture(title, f"{place}/training.png", note)


def draw_batches(run: Path) -> None:
    """Draw the run's first batches again, as its classifier saw them, into `images/training.png`: a row per class."""
    config = RunDir.open(run).config
    extensions = list(config.extensions)
    data: ImageData = build(config.data, section="data", extensions=extensions)
    model: Any = build_model(config, extensions=extensions)
    model.batch_size = data.batch_size
    data.streams, data.clock = {"classifier": 1}, SimpleNamespace(iteration=0)
    data.setup("fit")
    classes = min(ROWS, data.shape.num_classes)
    rows: list[list[Tensor]] = [[] for _ in range(classes)]
    for number, drawn in enumerate(endless(data)):
        (batch,) = data.on_after_batch_transfer(drawn, 0)["classifier"]
        draws = model.draws("augmentation", number)  # as in Classifier.training_step
        images, _ = transformed(model.transform, batch.image, batch.label, model.num_classes, draws)
        taken = [0] * classes
        for image, label in zip(to_uint8(images), batch.label.tolist(), strict=True):
            if label < classes and len(rows[label]) < COLUMNS and taken[label] < EACH:
                rows[label].append(image)
                taken[label] += 1
        if number + 1 >= BATCHES or all(len(row) == COLUMNS for row in rows):
            break
    empty = torch.empty(0, data.shape.channels, data.shape.image_size, data.shape.image_size, dtype=torch.uint8)
    tensors = [torch.stack(row) if row else empty for row in rows]
    names = [str(name) for name in data.class_names[:classes]]
    write_png(run / "images" / "training.png", grid_of_rows(tensors, columns=COLUMNS, row_labels=names))


def endless(data: ImageData) -> Iterator[dict[str, list[Batch | RawBatch]]]:
    """The training batches of `data`, epoch after epoch."""
    while True:
        for batch in data.train_dataloader():
            data.clock.iteration += 1  # type: ignore[union-attr]
            yield batch
