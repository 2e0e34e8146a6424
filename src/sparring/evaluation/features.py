"""Features of the real splits of a data set, extracted once and cached by the fingerprint of their images."""

from collections.abc import Sequence
from pathlib import Path

from sparring.core.types import Batch
from sparring.data.module.image_data import ImageData
from sparring.metric.cache import cached_features
from sparring.metric.features.base import Features
from sparring.metric.suite import MEMORISATION, ImageFeatures, Reference


class RealFeatures:
    """Splits of `data` as `extractor` describes them: `real_features["train"]`.

    Args:
        data: set up.
        extractor: ready for use.
        cache_dir: folder of the features cache.
    """

    def __init__(self, data: ImageData, extractor: Features, cache_dir: Path) -> None:
        self.data, self.extractor, self.cache_dir = data, extractor, cache_dir
        self._splits: dict[str, ImageFeatures] = {}

    def __getitem__(self, split: str) -> ImageFeatures:
        if split not in self._splits:
            images = self.data.whole(split)
            cached = cached_features(
                self.extractor, images.image, fingerprint=self.data.fingerprints()[split], split=split,
                cache_dir=self.cache_dir,
            )  # fmt: skip
            self._splits[split] = ImageFeatures(cached.features, cached.logits, images.label)
        return self._splits[split]

    @property
    def num_classes(self) -> int:
        """Classes of the data set."""
        return self.data.shape.num_classes

    def held_out(self) -> ImageFeatures:
        """Real images that no generator was trained on: val where it has two or more, else test."""
        return self["val"] if len(self.data.whole("val").label) > 1 else self["test"]

    def reference(self, split: str, names: Sequence[str]) -> Reference:
        """What the metrics `names` are measured against.

        Features of the training images are extracted only where one of the metrics needs them.
        """
        if any(name in MEMORISATION for name in names):
            return Reference(self[split], self["train"], self.held_out(), self.num_classes)
        real = self[split]
        only_labels = ImageFeatures(real.features[:0], None, self.data.train_labels)
        return Reference(real, only_labels, real[:0], self.num_classes)

    def of(self, batch: Batch) -> ImageFeatures:
        """Features of samples: image (N, C, H, W) uint8, label (N,) int64."""
        extracted = self.extractor.extract(batch.image)
        return ImageFeatures(extracted.features, extracted.logits, batch.label)
