"""Images that a data set holds twice: in train and in a split that judges, or under two classes.

Found at set-up by a 64-bit sum over the bytes; two images that agree in it are the same for any practical purpose
(a chance of 2^-64 for a pair).
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch

from sparring.core.errors import DataError
from sparring.core.randomness import generator
from sparring.data.serving.storage import Images

log = logging.getLogger(__name__)
CHOICES = ("warn", "drop", "fail")
CHUNK = 4096  # images read at a time


@dataclass(frozen=True)
class Duplicates:
    """How many images there are twice.

    val_in_train, test_in_train: images of the split that train holds, too.
    two_classes: training images of which another one is the same with another label.
    """

    val_in_train: int
    test_in_train: int
    two_classes: int

    def record(self) -> dict[str, int]:
        """Plain values."""
        return asdict(self)

    def sentence(self) -> str:
        """What was found; empty where nothing was."""
        found = {
            "images of val are in train, too": self.val_in_train,
            "images of test are in train, too": self.test_in_train,
            "training images are there under two classes": self.two_classes,
        }
        return ", ".join(f"{count} {what}" for what, count in found.items() if count)


def sums(images: Images) -> np.ndarray:
    """(n,) uint64 of the chosen images: equal for equal bytes."""
    size = images.pixels[:1].numel() if len(images.pixels) else 0
    words = -(-size // 8)
    weights = torch.randint(2**62, (words,), generator=generator("duplicates", words)).numpy().astype(np.uint64) * 2 + 1
    result = np.empty(len(images), dtype=np.uint64)
    for first in range(0, len(images), CHUNK):
        position = torch.arange(first, min(first + CHUNK, len(images)))
        image, _ = images.take(position)
        padded = np.zeros((len(image), 8 * words), dtype=np.uint8)
        padded[:, :size] = image.cpu().reshape(len(image), -1).numpy()
        word = padded.view(np.uint64)
        mixed = (word ^ (word >> np.uint64(29))) * weights  # wraps: a sum modulo 2^64
        result[first : first + len(image)] = (mixed ^ (mixed >> np.uint64(32))).sum(axis=1, dtype=np.uint64)
    return result


def settle(images: Mapping[str, Images], on_duplicates: str) -> tuple[dict[str, Images], Duplicates]:
    """Count what there is twice among train, val and test, and do what `data.on_duplicates` says.

    Args:
        images: train, val, test, and perhaps unused: training images that nothing uses yet.
        on_duplicates: "warn" says it; "drop" leaves the images out of train, so that val and test stay as they are; "fail".

    Raises:
        DataError: there are some, and on_duplicates=fail; or nothing is left of train.
    """
    train, held = images["train"], {split: sums(images[split]) for split in ("val", "test")}
    own, label = sums(train), train.label.cpu().numpy()
    _, group = np.unique(own, return_inverse=True)
    lowest, highest = np.full(group.max(initial=-1) + 1, np.iinfo(np.int64).max), np.full(group.max(initial=-1) + 1, -1)
    np.minimum.at(lowest, group, label)
    np.maximum.at(highest, group, label)
    torn = (lowest != highest)[group]
    found = Duplicates(int(np.isin(held["val"], own).sum()), int(np.isin(held["test"], own).sum()), int(torn.sum()))
    if not (said := found.sentence()):
        return dict(images), found
    if on_duplicates == "fail":
        raise DataError(
            f"{said}; take them out of the data, or set data.on_duplicates=drop to leave them out of train."
        )
    if on_duplicates == "warn":
        log.warning(
            "%s: the accuracy is too high by what is remembered (data.on_duplicates=drop leaves them out).", said
        )
        return dict(images), found
    judging = np.concatenate(list(held.values()))
    keep = ~torn & ~np.isin(own, judging)
    if not keep.any():
        raise DataError(f"{said}, and nothing is left of train without them; take them out of the data.")
    log.warning("%s: left out of train, which has %d images now.", said, int(keep.sum()))
    kept = {"train": train.subset(torch.from_numpy(keep.nonzero()[0]))}
    if "unused" in images:
        others = ~np.isin(sums(images["unused"]), judging)
        kept["unused"] = images["unused"].subset(torch.from_numpy(others.nonzero()[0]))
    return {**images, **kept}, found
