"""scikit-learn's 1797 handwritten digits, 8x8 grey: real images that come with the package.

Values 0..16 become round(x * 255 / 16). The test split is fixed: every fifth image of each class in file order (355).
"""

from typing import Any

import numpy as np

from sparring.data.reading.source import Location, Reading, Source, slices


class Digits(Source):
    """Images of shape (1, 8, 8), 10 classes."""

    channels = 1
    image_size = 8

    def identity(self, location: Location) -> dict[str, Any]:
        keys = "path", "hub_id", "hub_config", "revision", "image_column", "label_column"
        location.refuse(*keys, because="data=digits is part of scikit-learn")
        return {"set": "load_digits"}

    def read(self, location: Location) -> Reading:
        from sklearn.datasets import load_digits

        digits = load_digits()
        image = np.round(digits.images * 255 / 16).astype(np.uint8)[:, None]
        label = digits.target
        test = np.zeros(len(label), dtype=bool)
        for digit in range(10):
            test[np.flatnonzero(label == digit)[4::5]] = True
        chunks = (
            chunk
            for split, rows in (("train", ~test), ("test", test))
            for chunk in slices(split, image[rows], label[rows], "load_digits")
        )
        return Reading(tuple(str(digit) for digit in range(10)), chunks, {})
