"""What a training run records of its images: which it was trained on, those that were mixed in, and those that it misses."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from sparring.core import picture
from sparring.data.serving import provenance
from sparring.run.directory import RunDir

COLUMNS, ROWS = 10, 20  # of the picture


def record_images(run: RunDir, data: Any, *, labelled: bool) -> None:
    """Write `provenance.npz`, and `images/mixed.png` where images are mixed in: a row per class, the first of each.

    Args:
        data: opened.
        labelled: whether training used the labels.

    Raises:
        DiskError: a file could not be written.
    """
    provenance.save(run.path, data.provenance(labelled=labelled), run=run.path, fingerprints=data.fingerprints())
    if data.pool is None:
        return
    images = data.pool.images
    names = data.class_names[:ROWS]
    rows = [images.take((images.label == k).nonzero().flatten()[:COLUMNS])[0].cpu() for k in range(len(names))]
    picture.write_png(
        run.images / "mixed.png", picture.grid_of_rows(rows, columns=COLUMNS, row_labels=[*map(str, names)])
    )


def record_mistakes(run: RunDir, data: Any, result: Mapping[str, Any], loggers: Sequence[Any]) -> None:
    """Write `images/mistakes.png` of a classifier: the test images that it misses, the surest answers first, side by side.

    Args:
        data: opened.
        result: content of result.json.
        loggers: get the picture, too.

    Raises:
        DiskError: the file could not be written.
    """
    found = ((result.get("classification") or {}).get("test") or {}).get("mistakes")
    if not found:
        return
    image = data.splits.images["test"].take(torch.tensor([each["image"] for each in found]))[0].cpu()
    strip = picture.grid(image, columns=len(found), scale=1, gap=0)
    run.images.mkdir(exist_ok=True)
    picture.write_png(run.images / "mistakes.png", strip)
    for logger in loggers:
        logger.log_image("mistakes", strip, step=result["clock"]["iteration"])
