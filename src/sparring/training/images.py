"""What a training run records of its images: which it was trained on, and a picture of those that were mixed in."""

from typing import Any

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
