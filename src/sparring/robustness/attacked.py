"""What is attacked: a classifier, behind its defence if it has one, and images that neither was trained on."""

from dataclasses import dataclass

from torch import Tensor

from sparring.attack.evaluation.evaluate import subset
from sparring.attack.evaluation.target import Target
from sparring.core.errors import DataError
from sparring.core.pixels import normalise
from sparring.core.types import Batch, TrainedNetwork
from sparring.data.module.image_data import ImageData
from sparring.robustness.defended import DefendedClassifier
from sparring.robustness.settings import AttackSettings
from sparring.trained.data import data_of
from sparring.trained.runs import Runs


@dataclass(frozen=True)
class TrialImages:
    """What is attacked.

    Args:
        pixels: (N, C, H, W) uint8, on the CPU.
        image: the same as float32 in [-1, 1], on the target's device, as the others.
        label: (N,) int64.
        index: (N,) int64, the place of each in its split.
    """

    pixels: Tensor
    image: Tensor
    label: Tensor
    index: Tensor

    @property
    def at_rest(self) -> Batch:
        """uint8 images and labels, on the CPU."""
        return Batch(self.pixels, self.label.cpu())


@dataclass(frozen=True)
class AttackSetup:
    """A classifier, the images to attack it with, and how.

    Args:
        loaded: the classifier alone, with its origin.
        defended: the same behind the defence of the settings.
        target: what attacks see of `defended`, on the device.
        images: what they change.
        data: where the images are from, opened.
    """

    settings: AttackSettings
    loaded: TrainedNetwork
    defended: DefendedClassifier
    target: Target
    images: TrialImages
    data: ImageData

    @property
    def num_classes(self) -> int:
        """Of the classifier."""
        return len(self.loaded.class_names)


def images_of_run(
    settings: AttackSettings, runs: Runs, loaded: TrainedNetwork, defended: DefendedClassifier
) -> tuple[TrialImages, ImageData]:
    """At most `settings.count` images of the classifier's own data, the same for every run on these data; and the data.

    Args:
        loaded: the classifier; its run names the data.
        defended: the same behind its defence, whose generator must not have been trained on these images.

    Raises:
        DataError: the images are not those that the classifier was trained with, the split is empty, or the generator of
            the defence was trained on it.
    """
    data = data_of(loaded.origin, runs, cache_dir=settings.cache_dir)
    known, split, name = loaded.origin["fingerprints"], settings.split, data.data_name
    if known and known.get(split) != data.fingerprints()[split]:
        raise DataError(
            f"The {split} images of {name} are not those that {loaded.origin['run']} was made with; restore the data, or "
            "train again."
        )
    defended.check_unseen(data, split)
    image, label = data.whole(split)
    index = subset(len(label), settings.count)
    if not len(index):
        raise DataError(f"The {split} split of {name} is empty; give split=test or split=val.")
    chosen, device = image[index], settings.device
    return TrialImages(chosen, normalise(chosen).to(device), label[index].to(device), index.to(device)), data
