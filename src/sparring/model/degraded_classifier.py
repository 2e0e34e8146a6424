"""A classifier of degraded images, or of what an enhancer makes of them: trained on these, and tested on these.

The protocol of task-driven restoration (Kim et al. 2024, SR4IR): L->T learns from degraded images, S->T from restored ones.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sparring.core.distributed import drawn_in_training, places_in_split
from sparring.core.errors import ConfigError
from sparring.core.measurement import FinalMetrics
from sparring.core.pixels import normalise, to_uint8
from sparring.core.types import Batch, TrainedNetwork, TrainingData
from sparring.model.classifier import Classifier, check_classifier
from sparring.model.degradation.base import Degradation
from sparring.model.enhancer.base import Enhancer, enlarged

BATCH = 512


class DegradedClassifier(Classifier):
    """The data hold the originals; every image is degraded on the device, after `data.flip` and `data.crop`.

    It is then restored, enlarged, or left at its size, and has 256 levels as a file would. In training an image is degraded
    anew in every iteration; that of val and test by the run's seed and its place in the split, as `enhance.py` does it.

    Args:
        degradation: image -> degraded image.
        restored_by: run of model=restorer or model=srgan that the degraded images go through, or None.
        enlarge: without such a run: whether degraded images are enlarged (bicubic) to the size of the originals.

    Raises:
        ConfigError: as `Classifier`, or a run that enlarges by another factor.
    """

    def __init__(self, *, degradation: Degradation, restored_by: str | None, enlarge: bool, **classifier: Any) -> None:
        super().__init__(**classifier)
        self.degradation, self.enlarge = degradation, enlarge
        self.restored_by = None if restored_by is None else str(restored_by)
        self._enhancer: list[Enhancer] = []  # a list hides it from optimizers, checkpoints and weight files

    # -- what the classifier is shown ------------------------------------------------------------------------------------

    @torch.no_grad()
    def shown(self, image: Tensor, index: Tensor) -> Tensor:
        """Originals (N, C, H, W) in [-1, 1] -> the same images as the classifier gets them, in [-1, 1].

        Args:
            index: (N,) int64 on the CPU, by which the degradation of an image is drawn.

        Raises:
            ConfigError: the run that restores images was not loaded.
        """
        bad = self.degradation(image.float(), seed=self.seed, index=index)
        if self.restored_by is not None:
            if not self._enhancer:
                raise ConfigError(
                    f"model.restored_by={self.restored_by} was not loaded: train with train.py, or call attach()."
                )
            seen: Tensor = self._enhancer[0].to(image.device)(bad)
        else:
            seen = enlarged(bad, self.degradation.factor) if self.enlarge else bad
        return normalise(to_uint8(seen)).to(image.dtype)

    def enhancers(self) -> dict[str, str]:
        return {} if self.restored_by is None else {"model.restored_by": self.restored_by}

    def attach(self, setting: str, loaded: TrainedNetwork) -> None:
        network = loaded.network
        assert isinstance(network, Enhancer)
        if network.factor != self.degradation.factor:
            raise ConfigError(
                f"model.restored_by={self.restored_by} enlarges by {network.factor} and "
                f"model.degradation.factor={self.degradation.factor} reduces by another factor; give a run of that factor."
            )
        self._enhancer = [network.eval().requires_grad_(False)]

    # -- Classifier ------------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        (chunk,) = batch["classifier"]
        index = drawn_in_training(self, len(chunk.label), self.clock.iteration)
        super().training_step({"classifier": [Batch(self.shown(chunk.image, index), chunk.label)]}, batch_idx)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        index = places_in_split(self, batch_idx, len(batch.label), batch_size=self.batch_size)
        super().validation_step(Batch(self.shown(batch.image, index), batch.label), batch_idx)

    def prepare(self, data: TrainingData) -> None:
        super().prepare(_ShownData(data, self))

    def final_metrics(self, data: TrainingData) -> FinalMetrics:
        final = super().final_metrics(_ShownData(data, self))
        settings = {key: value for key, value in vars(self.degradation).items() if isinstance(value, int | float)}
        how = {
            "degradation": {"kind": type(self.degradation).__name__, **settings}, "restored_by": self.restored_by,
            "enlarged": self.enlarge,
        }  # fmt: skip
        metrics = {
            name: replace(each, protocol={**each.protocol, "images_shown": how}) for name, each in final.metrics.items()
        }
        return replace(final, metrics=metrics)

    def check_data(self, *, channels: int, image_size: int) -> None:
        self.degradation.check(image_size)
        own_size = not self.enlarge and self.restored_by is None
        size = image_size // self.degradation.factor if own_size else image_size
        check_classifier(self.ema, channels=channels, image_size=size, num_classes=self.num_classes)


class _ShownData:
    """Data whose images are those that the classifier is shown; the rest is as it is."""

    def __init__(self, data: TrainingData, game: DegradedClassifier) -> None:
        self._data, self._game = data, game

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def train_images(self, indices: Tensor) -> Tensor:
        return self._shown(self._data.train_images(indices))

    def whole(self, split: str) -> Batch:
        whole = self._data.whole(split)
        return Batch(self._shown(whole.image), whole.label)

    def _shown(self, image: Tensor) -> Tensor:
        """uint8 (N, C, H, W) -> the same as shown, uint8, on the CPU."""
        if not len(image):
            return image
        game, parts = self._game, zip(image.split(BATCH), torch.arange(len(image)).split(BATCH), strict=True)
        return torch.cat([to_uint8(game.shown(normalise(x.to(game.device)), index)).cpu() for x, index in parts])
