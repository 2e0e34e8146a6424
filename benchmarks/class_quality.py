"""Quality of samples in the features of a data set's reference classifier (`experiment=reference_classifier`, cached)."""

from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from sparring.config.build import build
from sparring.core.pixels import normalise
from sparring.evaluation.reference import reference_classifier
from sparring.metric.diversity import intra_class_diversity, within_class_variance
from sparring.metric.frechet import frechet
from sparring.metric.moments import Moments


class ClassQuality:
    """fd, accuracy and diversity of uint8 images and the classes asked for.

    fd: Frechet distance to the training images in the classifier's features (no FID: comparable within a data set only).
    accuracy: how often the classifier sees the class asked for. diversity: `intra_class_diversity` against training images.

    data: resolved `data` section of the configuration. cache_dir: where the classifier is, or is kept once trained.
    """

    def __init__(self, data: DictConfig, cache_dir: Path) -> None:
        settings: Any = OmegaConf.to_container(data, resolve=True)
        loaded = reference_classifier(settings, cache_dir)
        self.network, self.num_classes = loaded.network.eval(), data.num_classes
        file = cache_dir / "class_quality" / f"{data.name}_{loaded.origin['weights_sha256'][:16]}.pt"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.save(self._real_side(data), file)
        real = torch.load(file)
        self.moments, self.variance = Moments.unpacked(real["moments"]), real["variance"]
        self.held_out: dict[str, float] = real["held_out"]

    def __call__(self, image: Tensor, label: Tensor) -> dict[str, float]:
        features, predicted = self._features(image)
        variance = within_class_variance(features, label, self.num_classes)
        return {
            "fd": frechet(Moments.of(features), self.moments).value,
            "accuracy": float((predicted == label).double().mean()),
            "diversity": intra_class_diversity(variance, self.variance),
        }

    def _real_side(self, data: DictConfig) -> dict[str, Any]:
        """Moments and within-class variance of the training images, and the quality of the test images as samples."""
        images = build(data, section="data")
        images.streams = {}
        images.setup("fit")
        train, test = images.whole("train"), images.whole("test")
        features, _ = self._features(train.image)
        self.moments = Moments.of(features)
        self.variance = within_class_variance(features, train.label, self.num_classes)
        return {
            "moments": self.moments.packed(), "variance": self.variance, "held_out": self(test.image, test.label),
        }  # fmt: skip

    @torch.no_grad()
    def _features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(features (N, F) float64, predicted classes (N,)) of uint8 images."""
        features, predicted = [], []
        for part in image.split(500):
            normalised = normalise(part)
            features.append(self.network.features(normalised))
            predicted.append(self.network(normalised).argmax(dim=1))
        return torch.cat(features).double(), torch.cat(predicted)
