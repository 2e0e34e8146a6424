"""Pictures of points in the plane, which data=toy2d gives as images of one pixel and two channels."""

from collections.abc import Sequence

import numpy as np

POINT = (2, 1, 1)  # shape of a point as an image: x and y, 0 to 255 for -1 to 1
SIDE = 256  # pixels of a picture, one for each value of a coordinate
BLUR = 2.0  # standard deviation of a point, in pixels
FULL = 0.7  # density, as a share of the largest, from which on a colour is full
BACKGROUND = 24
# One after the other for the rows, as bright as each other on a dark ground (Okabe and Ito 2008, without black).
COLOURS = (
    (86, 180, 233), (230, 159, 0), (0, 190, 140), (240, 228, 66), (204, 121, 167), (213, 94, 0), (150, 160, 255), (190, 190, 190),
)  # fmt: skip


def density(rows: Sequence[np.ndarray]) -> np.ndarray:
    """(256, 256, 3) uint8: how dense points are, y upwards, each row in a colour of its own.

    Args:
        rows: (n, 2) uint8 each, x and y; n may be 0.
    """
    layers = np.stack([_blurred(_counts(row)) for row in rows])
    strength = np.clip(layers / max(FULL * float(layers.sum(0).max()), 1e-12), 0, 1) ** 0.5
    colour = np.array([COLOURS[i % len(COLOURS)] for i in range(len(rows))], dtype=np.float64)
    shares = strength / np.maximum(strength.sum(0), 1e-12)  # where rows overlap, their colours mix
    whole = np.clip(strength.sum(0), 0, 1)[..., None]
    mixed = np.einsum("rhw,rc->hwc", shares, colour)
    picture = BACKGROUND * (1 - whole) + mixed * whole
    return np.round(picture).astype(np.uint8)[::-1]


def _counts(points: np.ndarray) -> np.ndarray:
    counts = np.zeros((SIDE, SIDE))
    np.add.at(counts, (points[:, 1], points[:, 0]), 1.0)
    return counts


def _blurred(counts: np.ndarray) -> np.ndarray:
    reach = np.arange(-int(4 * BLUR), int(4 * BLUR) + 1)
    kernel = np.exp(-(reach**2) / (2 * BLUR**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        counts = np.apply_along_axis(np.convolve, axis, counts, kernel, mode="same")
    return counts
