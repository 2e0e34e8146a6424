"""The pool of a mix, checked: no network that it depends on may have been trained on val or test images."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sparring.core.errors import DataError
from sparring.data.mix.base import Context, Mix, Pool
from sparring.data.serving import provenance
from sparring.data.serving.provenance import Provenance


def checked(mix: Mix, context: Context, *, train: Provenance, held_out: dict[str, Provenance], batch_size: int) -> Pool:
    """Make the pool of `mix` and check what it depends on.

    Args:
        mix: makes the pool.
        context: what it may use.
        train: the training images in use.
        held_out: the images of val and test.
        batch_size: images of a batch.

    Raises:
        ConfigError, CheckpointError, DataError: as the mix.
        DataError: the pool holds images of val or test, or a network behind it was trained on them, or used labels which
            this run does not have.
    """
    rows = mix.rows(batch_size)
    pool = mix.pool(context)
    pixels = context.train.pixels
    own_train = np.union1d(train.hashes, provenance.hashes(pixels, context.unused.rows))
    provenance.check(held_out, pool.provenance, own_train)
    if pool.foreign:
        _check_pixels(pool, held_out, own_train)
    extra = provenance.extra_labels(train, pool.provenance)
    if extra and not pool.extra_labels:
        raise DataError(
            f"The networks behind data.mix used the labels of {extra} training images that this run does not have, so it"
            " would not show what its own labels are worth: train them with the same data.labels_per_class and data.subset_seed,"
            " or allow it with data.mix.extra_labels=true."
        )
    origin: dict[str, Any] = {
        "kind": type(mix).__name__, "fraction": mix.fraction, "per_batch": rows, "count": len(pool.images),
        "sha256": pool.images.fingerprint, "extra_labels": extra, "upstream_runs": sorted({each.by for each in pool.provenance}),
    }  # fmt: skip
    return replace(pool, origin=origin | pool.origin)


def _check_pixels(pool: Pool, held_out: dict[str, Provenance], own_train: np.ndarray) -> None:
    foreign = np.setdiff1d(provenance.hashes(pool.images.pixels, torch.arange(len(pool.images))), own_train)
    for split, record in held_out.items():
        if len(same := np.intersect1d(record.hashes, foreign)):
            raise DataError(
                f"{len(same)} of the images to mix in are {split} images of this run, byte for byte: leave them out."
            )
