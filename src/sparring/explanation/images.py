"""The images that an explanation is about: those of the data that the run was trained with."""

from dataclasses import dataclass, replace

from torch import Tensor

from sparring.attack.evaluation.evaluate import subset
from sparring.core.errors import DataError
from sparring.core.pixels import normalise
from sparring.core.types import TrainedNetwork
from sparring.explanation.settings import ExplainSettings
from sparring.trained.data import data_of
from sparring.trained.runs import Runs


@dataclass(frozen=True)
class ExplainedImages:
    """Some images of a split.

    Args:
        image: (N, C, H, W) float32 in [-1, 1]. label: (N,) int64. Both on the device.
        index: (N,) int64 on the CPU, the place of each in its split.
        fingerprints: of the data, by split.
    """

    image: Tensor
    label: Tensor
    index: Tensor
    fingerprints: dict[str, str]

    def first(self, count: int) -> "ExplainedImages":
        """The first `count` of them."""
        return replace(self, image=self.image[:count], label=self.label[:count], index=self.index[:count])


def images_of(settings: ExplainSettings, loaded: TrainedNetwork, runs: Runs) -> ExplainedImages:
    """At most `settings.count` images of the run's own data, the same for every run on these data.

    Raises:
        DataError: the images are not those that the run was made with, or the split is empty.
    """
    data = data_of(loaded.origin, runs, cache_dir=settings.cache_dir)
    split, found = settings.split, data.fingerprints()
    known = loaded.origin["fingerprints"]
    if known and known.get(split) != found[split]:
        raise DataError(
            f"The {split} images of {data.data_name} are not those that {loaded.origin['run']} was made with; restore the "
            "data, or train again."
        )
    image, label = data.whole(split)
    index = subset(len(label), settings.count)
    if not len(index):
        raise DataError(f"The {split} split of {data.data_name} is empty; give split=test or split=val.")
    chosen = normalise(image[index]).to(settings.device)
    return ExplainedImages(chosen, label[index].to(settings.device), index, found)
