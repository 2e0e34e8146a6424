"""A data source: 8 x 8 images with one bright row or one bright column; two classes."""

from typing import Any

import numpy as np

from sparring.data.reading.source import Location, Reading, Source, slices


class Stripes(Source):
    channels = 1
    image_size = 8

    def identity(self, location: Location) -> dict[str, Any]:
        """What the cache is keyed by: everything that decides which images there are."""
        return {"set": "stripes", "version": 1}

    def read(self, location: Location) -> Reading:
        """uint8 images (N, 1, 8, 8) and int64 labels (N,) of each split, in chunks."""
        random = np.random.default_rng(0)
        chunks = []
        for split, count in (("train", 400), ("test", 100)):
            label = np.arange(count) % 2
            image = random.integers(0, 60, (count, 1, 8, 8), dtype=np.uint8)
            for picture, is_column, place in zip(image[:, 0], label, random.integers(8, size=count), strict=True):
                if is_column:
                    picture[:, place] = 255
                else:
                    picture[place] = 255
            chunks += slices(split, image, label, "stripes")
        return Reading(("row", "column"), iter(chunks), {})
