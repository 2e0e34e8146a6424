"""The pool of a mix, made and then checked: shape, classes, and that no network behind it saw what this run is judged on."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sparring.core.errors import DataError
from sparring.data.mix.base import Context, Mix, Pool
from sparring.data.serving import provenance
from sparring.data.serving.provenance import Provenance


def checked(mix: Mix, context: Context, *, train: Provenance, judged: dict[str, Provenance], batch_size: int) -> Pool:
    """train: the training images in use; judged: those of val and test.

    Raises:
        ConfigError, CheckpointError: as the mix does. DataError: also for a pool or a network that holds or saw images of
            val or test, or that used labels which this run has not.
    """
    rows = mix.rows(batch_size)
    pool = mix.pool(context)
    pixels = context.train.pixels
    own_train = np.union1d(train.hashes, provenance.hashes(pixels, context.beyond.rows))
    provenance.check(judged, pool.provenance, own_train)
    if pool.foreign:
        _check_pixels(pool, judged, own_train)
    extra = provenance.beyond_labels(train, pool.provenance)
    if extra and not pool.extra_labels:
        raise DataError(
            f"The networks behind data.mix used the labels of {extra} training images that this run has not, so it would not"
            " show what its own labels are worth: train them with the same data.labels_per_class and data.subset_seed, or"
            " allow it with data.mix.extra_labels=true."
        )
    origin: dict[str, Any] = {
        "kind": type(mix).__name__, "fraction": mix.fraction, "per_batch": rows, "count": len(pool.images),
        "sha256": pool.images.fingerprint, "extra_labels": extra, "seen_by": sorted({each.by for each in pool.provenance}),
    }  # fmt: skip
    return replace(pool, origin=origin | pool.origin)


def _check_pixels(pool: Pool, judged: dict[str, Provenance], own_train: np.ndarray) -> None:
    found = np.setdiff1d(provenance.hashes(pool.images.pixels, torch.arange(len(pool.images))), own_train)
    for split, record in judged.items():
        if len(same := np.intersect1d(record.hashes, found)):
            raise DataError(
                f"{len(same)} of the images to mix in are {split} images of this run, byte for byte: leave them out."
            )
