"""The cells that studies are made of: classifiers, generators, the images that these draw, and attacks; as overrides."""

from collections.abc import Mapping, Sequence

from sparring.core.errors import ConfigError
from sparring.study.engine.cell import Cell, Seeds, Tag
from sparring.study.engine.context import StudyContext

NO_AUGMENTATION = ("data.flip=false", "data.crop=0")
# What generated images are used for, in words; a setting of studies.
USES = {"alone": "on the images alone", "added": "on real images, a share of each batch replaced by the images"}


def check_uses(uses: Sequence[str]) -> list[str]:
    """`study.uses` without duplicates.

    Raises:
        ConfigError: it is empty or names something other than USES.
    """
    if not uses or set(uses) - set(USES):
        raise ConfigError(f"study.uses={list(uses)} must name one or both of {', '.join(USES)}.")
    return list(dict.fromkeys(uses))


def without(overrides: Sequence[str], recipe: Sequence[str]) -> list[str]:
    """The overrides of settings that the recipe does not set itself."""
    keys = {item.partition("=")[0] for item in recipe}
    return [item for item in overrides if item.partition("=")[0] not in keys]


def classic_augmentation(context: StudyContext, crop: float) -> list[str]:
    """Overrides: shifts by up to `crop` of the side, and mirroring where the data set allows it (its own `data.flip`)."""
    pixels = max(1, round(crop * context.image_size))
    return [f"data.flip={str(context.flip).lower()}", f"data.crop={pixels}"]


def images_mix(pool: str, fraction: float) -> list[str]:
    """Overrides: `fraction` of each batch is replaced by images of cell `pool`."""
    return ["data/mix=images", f"data.mix.images=[cell:{pool}]", f"data.mix.fraction={fraction}"]


def gaussian_mix(per_class: int, fraction: float) -> list[str]:
    """Overrides: `fraction` of each batch is replaced by draws from a Gaussian per class, `per_class` of each."""
    return ["data/mix=gaussian", f"data.mix.per_class={per_class}", f"data.mix.fraction={fraction}"]


def budget(*, steps: int, seed: int) -> list[str]:
    """Overrides of a training of `steps` iterations, validated once at its end."""
    return [f"seed={seed}", f"trainer.max_steps={steps}", f"trainer.val_check_interval={steps}"]


def classifier_cell(
    name: str, overrides: Sequence[str], *, steps: int, seed: int, tags: Mapping[str, Tag], model: str = "classifier"
) -> Cell:
    """A classifier trained for `steps` iterations."""
    return Cell(name, "train", (f"model={model}", *overrides, *budget(steps=steps, seed=seed)), tags)


def generator_cell(
    name: str,
    *,
    recipe: Sequence[str],
    images: Sequence[str],
    steps: int,
    seeds: Seeds,
    tags: Mapping[str, Tag],
    part: str = "",
) -> Cell:
    """A GAN or flow, tagged part="<part>generator", trained on the labelled images alone.

    Args:
        name: of the cell.
        recipe: overrides that choose the model; images are not augmented unless it says so.
        images: overrides of `labelled_subset`.
        steps: iterations.
        seeds: of the replicate.
        tags: of the cell.
    """
    overrides = (*NO_AUGMENTATION, *recipe, *images, *budget(steps=steps, seed=seeds.gan))
    return Cell(name, "train", overrides, {**tags, "part": f"{part}generator"})


def pool_cell(
    name: str,
    generator: str,
    *,
    count: int,
    seeds: Seeds,
    tags: Mapping[str, Tag],
    label: str = "balanced",
    more: Sequence[str] = (),
    part: str = "",
) -> Cell:
    """A pool of generated images, tagged part="<part>pool".

    Args:
        name: of the cell.
        generator: the cell that trained the generator.
        count: number of images.
        seeds: of the replicate.
        tags: of the cell.
        label: how labels are chosen, as in generate.py.
        more: further overrides of generate.py.
    """
    overrides = (f"run=cell:{generator}", f"count={count}", f"seed={seeds.pool}", f"label={label}", "format=[parquet]")
    return Cell(name, "generate", (*overrides, *more), {**tags, "part": f"{part}pool"})


def gan_and_pool(
    prefix: str,
    *,
    recipe: Sequence[str],
    images: Sequence[str],
    steps: int,
    count: int,
    seeds: Seeds,
    tags: Mapping[str, Tag],
    gan: str = "gan",
    label: str = "balanced",
    part: str = "",
) -> list[Cell]:
    """`<prefix>/<gan>` as in `generator_cell`, and `<prefix>/pool`: `count` of its images as in `pool_cell`."""
    generator = generator_cell(
        f"{prefix}/{gan}", recipe=recipe, images=images, steps=steps, seeds=seeds, tags=tags, part=part
    )
    return [
        generator,
        pool_cell(f"{prefix}/pool", generator.name, count=count, seeds=seeds, tags=tags, label=label, part=part),
    ]


def attack_cell(
    name: str, run: str, *, overrides: Sequence[str], tags: Mapping[str, Tag], corruptions: bool = False
) -> Cell:
    """A call of attack.py on the classifier of cell `run`; with `corruptions` also its accuracy under all of them."""
    more = ["corruptions=all"] if corruptions else []
    return Cell(name, "attack", (f"run=cell:{run}", *overrides, *more), tags)
