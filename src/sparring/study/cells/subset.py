"""Which training images the cells of a study see: subsets with so many labels per class, checked against the data."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from sparring.core.errors import ConfigError
from sparring.data.module.image_data import ImageData
from sparring.study.engine.cell import Seeds
from sparring.study.engine.context import StudyContext


def label_counts(counts: Sequence[int], primary: int | None) -> tuple[list[int], int]:
    """(study.labels_per_class, study.primary_labels, the smallest where it is null).

    Raises:
        ConfigError: no counts, one twice, or a primary one that is not among them.
    """
    given = list(counts)
    if not given or len(set(given)) < len(given):
        raise ConfigError(f"study.labels_per_class={given} must name at least one count, and none twice.")
    primary = min(given) if primary is None else primary
    if primary not in given:
        raise ConfigError(
            f"study.primary_labels={primary} must be one of study.labels_per_class={given}: set it to one of them, or to "
            "null for the smallest."
        )
    return given, primary


def labelled_subset(context: StudyContext, labels: int | None, seeds: Seeds) -> list[str]:
    """Overrides of a training on the `labels` images per class (None: all) that the replicate draws.

    The batch is that of the study's data, or all labelled images where they are fewer; the same for every arm.
    """
    draws = [*split(context, seeds), f"data.subset_seed={seeds.subset}"]
    if labels is None:
        return [*draws, f"data.batch_size={context.batch_size}"]
    batch = min(context.batch_size, labels * context.num_classes)
    return [f"data.labels_per_class={labels}", *draws, f"data.batch_size={batch}"]


def split(context: StudyContext, seeds: Seeds) -> list[str]:
    """Overrides: the replicate's own split of the data, or the one that the study is given for all of them."""
    return [f"data.split_seed={seeds.split if context.split_seed is None else context.split_seed}"]


def training_labels(context: StudyContext, **settings: Any) -> Mapping[str, int]:
    """Number of training images of each class by its name; opens the study's data.

    Args:
        context: names the data.
        settings: settings of `data` that differ from the study's, such as imbalance=50.

    Raises:
        DataError: the data cannot be read.
    """
    data: ImageData = context.build({**context.data, **settings}, section="data")
    data.setup("fit")
    counts = torch.bincount(data.train_labels, minlength=data.shape.num_classes)
    return dict(zip(data.class_names, counts.tolist(), strict=True))


def check_label_counts(
    context: StudyContext, counts: Sequence[int], *, key: str = "labels_per_class", more_real: bool = False
) -> None:
    """Refuse label counts that the data cannot provide.

    Args:
        context: names the data.
        counts: images per class.
        key: the study's setting that holds them, for the message.
        more_real: whether arms need further training images of each class.

    Raises:
        ConfigError: the class with the fewest images is named.
    """
    sizes = training_labels(context)
    scarcest = min(sizes, key=lambda name: sizes[name])
    largest = sizes[scarcest] - (1 if more_real else 0)
    for count in counts:
        if not 1 <= count <= largest:
            reason = " and arms that use further real images need at least one more" if more_real else ""
            raise ConfigError(
                f"study.{key}={count} must be from 1 to {largest}: class {scarcest} of {context.dataset} has "
                f"{sizes[scarcest]} training images{reason}."
            )


def images_per_class(context: StudyContext, labels: int | None) -> int:
    """`labels`, checked against the data; None: the mean number of training images of a class.

    Raises:
        ConfigError: a class has fewer images.
    """
    if labels is not None:
        check_label_counts(context, [labels])
        return labels
    return max(1, sum(training_labels(context).values()) // context.num_classes)
