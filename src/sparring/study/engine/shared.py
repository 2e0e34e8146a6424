"""What paired replicates share, from the records of their classifiers: test images, and most of the training images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparring.metric.classification import class_weights, unpacked
from sparring.study.engine.cell_result import CellResult
from sparring.study.stats.crossed import image_variance, overlap, overlap_variance

Pair = tuple[CellResult, CellResult]  # arm and baseline of one replicate
HEAVY = 0.5  # training sets with a larger share in common overlap heavily
_TEST = ("classification", "test")


def test_image_variance(pairs: Sequence[Pair], *, scale: float, balanced: bool) -> float:
    """Variance of the mean difference in test accuracy that common test images cause; see `crossed`.

    0 where the records do not say which images were classified correctly, or which images they are.

    Args:
        pairs: of the replicates that finished.
        scale: factor of the accuracies, such as 100 for percentage points.
        balanced: of balanced accuracy.
    """
    which = _images([arm for arm, _ in pairs])
    if which is None:
        return 0.0
    differences = []
    for arm, baseline in pairs:
        count = int(arm.get(*_TEST, "images"))
        right = [unpacked(str(each.get(*_TEST, "right")), count).double().numpy() for each in (arm, baseline)]
        weights = class_weights(arm.get(*_TEST)) if balanced else np.ones(count)
        differences.append(scale * weights * (right[0] - right[1]))
    return image_variance(differences, which)


def training_variance(delta: Sequence[float], trained: Sequence[CellResult]) -> float:
    """Variance of the mean difference that heavily overlapping training sets hide; 0 where they do not overlap by half.

    Args:
        delta: differences of the replicates that finished.
        trained: a training of each of them.
    """
    counts = [each.result.get("data", {}).get("images") for each in trained]
    known = [each for each in counts if each]
    if len(delta) < 2 or not known or overlap(known[0]["train"], known[0]["available"]) <= HEAVY:
        return 0.0
    return overlap_variance(float(np.var(delta, ddof=1)), training=known[0]["train"], test=known[0]["test"])


def _images(cells: Sequence[CellResult]) -> list[NDArray[np.intp]] | None:
    """Which test images each cell has, ascending; None where it is not known."""
    data = [each.result.get("data", {}) for each in cells]
    if all(each.get("images", {}).get("test_rows") for each in data):
        masks = [unpacked(each["images"]["test_rows"], each["images"]["stored"]) for each in data]
        return [np.flatnonzero(mask.numpy()) for mask in masks]
    tests = {each.get("fingerprints", {}).get("test") for each in data}
    if len(tests) == 1 and all("right" in each.result.get("classification", {}).get("test", {}) for each in cells):
        return [np.arange(int(each.get(*_TEST, "images"))) for each in cells]
    return None
