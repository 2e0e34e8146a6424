"""Generated images, or folders, parquet files and numpy archives of images, as mixed data."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.core.types import UNLABELLED
from sparring.data.mix.base import Context, Mix, Pool, in_memory_images, per_class
from sparring.data.mix.pool import filter as filtering
from sparring.data.reading.class_match import ClassNames
from sparring.data.reading.image_set import ImageSet, read_images, read_manifest
from sparring.data.serving import provenance
from sparring.data.serving.provenance import Provenance

ProvenanceRule = Literal["record", "train_split", "declared"]


class ImageMix(Mix):
    """One or several image sets, all their images in one pool.

    Labels are those that the generator was asked for.

    Args:
        fraction: share of each batch that comes from the pool, 0 to 1.
        images: runs of generate.py, folders, parquet or .npz files.
        labeller: run of a classifier that labels images without a label, or None.
        filter: as `mix.pool.filter.check` takes it.
        provenance: "record" demands a record of what a set's generator was trained on (runs of generate.py carry
            `provenance.npz`); "train_split" takes the sets as drawn by a generator that was trained on the whole train split
            of this run's data set, as published sets are; "declared" takes the user's word that no val or test image was
            among it. The last two stand in result.json.
        extra_labels: allow networks that used labels of training images which this run does not have.
        class_names: how the sets call this run's classes, in the run's order, or {their name: the run's}; None: the same.

    Raises:
        ConfigError: no list of images, or a rule of the filter that does not hold together.
    """

    def __init__(
        self,
        *,
        fraction: float,
        images: Sequence[str],
        labeller: str | None,
        filter: Mapping[str, Any],
        provenance: ProvenanceRule,
        extra_labels: bool,
        class_names: ClassNames | None,
    ) -> None:
        super().__init__(fraction=fraction)
        if isinstance(images, str) or not images:
            raise ConfigError(f"data.mix.images={images} must be a list of image sets: data.mix.images=[<run>].")
        if provenance not in get_args(ProvenanceRule):
            raise ConfigError(f"data.mix.provenance={provenance} is not one of {', '.join(get_args(ProvenanceRule))}.")
        filtering.check(filter)
        self.images, self.labeller, self.filter = list(images), labeller, dict(filter)
        self.provenance, self.extra_labels, self.class_names = provenance, extra_labels, class_names

    def pool(self, context: Context) -> Pool:
        sets = [self._read(given, context) for given in self.images]
        image = torch.cat([each.image for each, _ in sets])
        label = torch.cat([each.label for each, _ in sets])
        records = [record for _, own in sets for record in own]
        origin: dict[str, Any] = {"sets": [each.origin for each, _ in sets], "provenance": self.provenance}
        label, of_labeller = self._labelled(image, label, context, origin)
        kept, of_filter, origin["filter"] = filtering.chosen(image, label, self.filter, context)
        image, label = image[kept], label[kept]
        digest = hashlib.sha256(image.numpy().tobytes()).hexdigest()
        origin["per_class"] = per_class(label, context.shape.num_classes)
        return Pool(
            in_memory_images(image, label, digest), foreign=True, labelled=True,
            provenance=(*records, *of_labeller, *of_filter), origin=origin, extra_labels=self.extra_labels,
        )  # fmt: skip

    def _read(self, given: str, context: Context) -> tuple[ImageSet, list[Provenance]]:
        path = context.runs.find(str(given))
        if not path.is_dir():  # a file: `find` looks for directories
            path = Path(str(given)).expanduser().absolute()
        if (path.parent / "manifest.json").is_file():
            path = path.parent
        manifest = read_manifest(path)
        shape = context.shape
        images = read_images(
            path, channels=shape.channels, image_size=shape.image_size, class_names=context.class_names,
            given=self.class_names, setting="data.mix.class_names",
        )  # fmt: skip
        return images, self._provenance(path, manifest, context)

    def _provenance(self, path: Path, manifest: dict[str, Any] | None, context: Context) -> list[Provenance]:
        """What the generator of an image set was trained on."""
        if self.provenance == "declared":
            return []
        if self.provenance == "train_split":
            if split := next(iter(context.cut_from_train), None):
                advice = (
                    f"set data.{split}_fraction=0" if split == "val" else "use a data set with a test split of its own"
                )
                raise ConfigError(
                    f"data.mix.provenance=train_split says that a generator saw the whole train split, of which {split} is a "
                    f"part here: {advice}."
                )
            return [context.whole_train(f"the generator of {path}")]
        if manifest is None:
            raise DataError(
                f"{path} does not say what its images were made from, so a classifier could be tested on images that their"
                " generator was trained on: give a run of generate, or say data.mix.provenance=train_split (it was the whole"
                " train split) or data.mix.provenance=declared (no val or test image was among it)."
            )
        origin = manifest["origin"]
        folder = path if (path / provenance.FILE).exists() else Path(origin["run"])
        return provenance.load(folder, fingerprints=origin["fingerprints"])

    def _labelled(
        self, image: Tensor, label: Tensor, context: Context, origin: dict[str, Any]
    ) -> tuple[Tensor, tuple[Provenance, ...]]:
        missing = label == UNLABELLED
        origin["pseudo_labelled"] = int(missing.sum())
        if not missing.any():
            return label, ()
        if self.labeller is None:
            raise DataError(
                f"{int(missing.sum())} of the {len(label)} images to mix in have no label (as from an unconditional generator):"
                " give data.mix.labeller=<run of model=classifier> to label them, or images of a conditional generator."
            )
        network = context.runs.classifier(self.labeller, context, "data.mix.labeller")
        label = label.clone()
        label[missing] = network.score(image[missing], label[missing]).argmax(1)
        origin["labeller"] = network.origin
        return label, network.provenance
