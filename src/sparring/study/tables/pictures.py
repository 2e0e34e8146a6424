"""Pictures of a study: training images of its classifiers, and adversarial images."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from sparring.config.build import Builder
from sparring.core.picture import grid_of_rows, write_png
from sparring.core.pixels import to_uint8
from sparring.core.types import Batch
from sparring.data.module.image_data import ImageData
from sparring.data.serving.stream import RawBatch
from sparring.model.transform.base import transformed
from sparring.study.engine.cell import Tag
from sparring.study.engine.results import CellResult, Results
from sparring.study.tables.analysis import Picture
from sparring.trained.runs import build_model

COLUMNS, ROWS = 10, 10  # images per class; classes shown at most
PER_BATCH = 3  # images of a class from one batch: an augmentation that changes whole batches leaves some as they are
MAX_BATCHES = 50
ADVERSARIAL_NOTE = "original, perturbation (scaled), adversarial image; the strongest attack of replicate 0"


def training_pictures(
    results: Results, notes: Mapping[str, str], *, titles: Mapping[str, str] | None = None, **tags: Tag
) -> list[Picture]:
    """Training images of replicate 0, for each arm whose run finished.

    Args:
        results: of the study.
        notes: arm -> what its classifier is trained on.
        titles: arm -> title, where it is not the arm itself.
        tags: of the arms' cells.
    """
    cells = {arm: results.one(arm=arm, replicate=0, **tags) for arm in notes}
    return [
        _training_picture(each, (titles or {}).get(arm, arm), notes[arm], results.build)
        for arm, each in cells.items()
        if each is not None
    ]


def adversarial_pictures(results: Results, cells: Mapping[str, Mapping[str, Tag]]) -> list[Picture]:
    """The strongest attack on each classifier of replicate 0. cells: title -> tags of the attack's cells."""
    pictures = []
    for title, tags in cells.items():
        each = results.one(replicate=0, **tags)
        if each is not None:
            pictures.append(Picture(title, f"cells/{each.cell.name}/images/adversarial.png", ADVERSARIAL_NOTE))
    return pictures


def _training_picture(each: CellResult, title: str, note: str, build: Builder) -> Picture:
    """The images that were mixed in where there are any, else the first ones of each class that the classifier was given."""
    folder = f"cells/{each.cell.name}/images"
    if (each.run / "images" / "mixed.png").exists():
        return Picture(title, f"{folder}/mixed.png", f"{note} (here: the added images)")
    draw_batches(each.run, each.config, build)
    return Picture(title, f"{folder}/training.png", note)


def draw_batches(run: Path, settings: Mapping[str, Any], build: Builder) -> None:
    """Draw the run's first batches again, augmented as its classifier was given them, into `images/training.png`.

    A row per class, COLUMNS images each, ROWS classes at most.

    Args:
        settings: of the run, as the study composed them.
    """
    data: ImageData = build(settings["data"], section="data")
    model: Any = build_model(settings, build=build)
    model.batch_size = data.batch_size
    data.streams, data.clock = {"classifier": 1}, SimpleNamespace(iteration=0)
    data.setup("fit")
    classes = min(ROWS, data.shape.num_classes)
    rows: list[list[Tensor]] = [[] for _ in range(classes)]
    for number, drawn in enumerate(training_batches(data)):
        (batch,) = data.on_after_batch_transfer(drawn, 0)["classifier"]
        draws = model.draws("augmentation", number)  # as in Classifier.training_step
        images, _ = transformed(model.transform, batch.image, batch.label, model.num_classes, draws)
        from_batch = [0] * classes
        for image, label in zip(to_uint8(images), batch.label.tolist(), strict=True):
            if label < classes and len(rows[label]) < COLUMNS and from_batch[label] < PER_BATCH:
                rows[label].append(image)
                from_batch[label] += 1
        if number + 1 >= MAX_BATCHES or all(len(row) == COLUMNS for row in rows):
            break
    empty = torch.empty(0, data.shape.channels, data.shape.image_size, data.shape.image_size, dtype=torch.uint8)
    tensors = [torch.stack(row) if row else empty for row in rows]
    names = [str(name) for name in data.class_names[:classes]]
    write_png(run / "images" / "training.png", grid_of_rows(tensors, columns=COLUMNS, row_labels=names))


def training_batches(data: ImageData) -> Iterator[dict[str, list[Batch | RawBatch]]]:
    """The training batches of `data`, epoch after epoch."""
    while True:
        for batch in data.train_dataloader():
            data.clock.iteration += 1  # type: ignore[union-attr]
            yield batch
