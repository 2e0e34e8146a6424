"""What the cells of several studies are made of: labelled images, augmentation, a generator, and the images it makes."""

from collections.abc import Mapping, Sequence

from omegaconf import DictConfig

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.data.module.image_data import ImageData
from sparring.study.engine.cell import Cell, Seeds
from sparring.study.engine.results import Tag

PLAIN = ("data.flip=false", "data.crop=0")  # no augmentation


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


def labelled(config: DictConfig, labels: int | None, seeds: Seeds) -> list[str]:
    """Overrides of a training that has `labels` images per class (None: all), the ones that the replicate draws.

    The batch is that of the study's data, or all labelled images where they are fewer; the same for every arm.
    """
    batch = config.data.batch_size if labels is None else min(config.data.batch_size, labels * config.data.num_classes)
    few = [] if labels is None else [f"data.labels_per_class={labels}"]
    return [*few, f"data.subset_seed={seeds.subset}", f"data.batch_size={batch}"]


def classic(config: DictConfig, crop: float) -> list[str]:
    """Shifts by up to `crop` of the side, and mirroring where the data set allows it (its own `data.flip`)."""
    return [f"data.flip={str(config.data.flip).lower()}", f"data.crop={max(1, round(crop * config.data.image_size))}"]


def training(*, steps: int, seed: int) -> list[str]:
    """Overrides of a training of `steps`, validated once."""
    return [f"seed={seed}", f"trainer.max_steps={steps}", f"trainer.val_check_interval={steps}"]


def generator_cell(
    name: str, *, recipe: Sequence[str], images: Sequence[str], steps: int, seeds: Seeds, tags: dict[str, Tag]
) -> Cell:
    """A GAN trained on the labelled `images` (overrides of `labelled`) alone, not augmented unless `recipe` says so."""
    given = (*PLAIN, *recipe, *images, *training(steps=steps, seed=seeds.gan))
    return Cell(name, "train", given, {**tags, "part": "generator"})


def pool_cell(
    name: str, generator: str, *, count: int, seeds: Seeds, tags: dict[str, Tag], label: str = "balanced"
) -> Cell:
    """`count` images of the generator trained in cell `generator`. label: as in generate.py."""
    given = (f"run=cell:{generator}", f"count={count}", f"seed={seeds.pool}", f"label={label}", "format=[parquet]")
    return Cell(name, "generate", given, {**tags, "part": "pool"})


def gan_and_pool(
    place: str,
    *,
    recipe: Sequence[str],
    images: Sequence[str],
    steps: int,
    count: int,
    seeds: Seeds,
    tags: dict[str, Tag],
) -> list[Cell]:
    """`<place>/gan` as in `generator_cell`, and `<place>/pool`: `count` of its images."""
    made = generator_cell(f"{place}/gan", recipe=recipe, images=images, steps=steps, seeds=seeds, tags=tags)
    return [made, pool_cell(f"{place}/pool", made.name, count=count, seeds=seeds, tags=tags)]


def images_per_class(config: DictConfig, labels: int | None) -> int:
    """`labels`, checked against the data; None: the mean number of training images of a class.

    Raises:
        ConfigError: a class has fewer images.
    """
    if labels is not None:
        check_labels(config, [labels], beyond=False)
        return labels
    return max(1, sum(class_sizes(config).values()) // config.data.num_classes)


def class_sizes(config: DictConfig) -> dict[str, int]:
    """Training images of each class by name; opens the study's data.

    Raises:
        DataError: the data cannot be read.
    """
    data: ImageData = build(config.data, section="data", extensions=list(config.extensions))
    data.setup("fit")
    counts = data.train_labels.bincount(minlength=data.shape.num_classes).tolist()
    return dict(zip(data.class_names, counts, strict=True))


def check_labels(config: DictConfig, labels: Sequence[int], *, beyond: bool) -> None:
    """Refuse label counts that the data has not. beyond: whether arms need further training images of each class.

    Raises:
        ConfigError: the class with the fewest images is named.
    """
    sizes = class_sizes(config)
    scarcest = min(sizes, key=lambda name: sizes[name])
    most = sizes[scarcest] - (1 if beyond else 0)
    for count in labels:
        if not 1 <= count <= most:
            more = " and arms that use further real images need at least one more" if beyond else ""
            raise ConfigError(
                f"study.labels_per_class={count} must be from 1 to {most}: class {scarcest} of {config.dataset} has"
                f" {sizes[scarcest]} training images{more}."
            )


def judge_cell(
    name: str, run: str, *, given: Sequence[str], tags: Mapping[str, Tag], corruptions: bool = False
) -> Cell:
    """A call of attack.py on the classifier of cell `run`. given: its overrides. corruptions: all of them as well."""
    more = ["corruptions=all"] if corruptions else []
    return Cell(name, "attack", (f"run=cell:{run}", *given, *more), tags)
