"""What `evaluate` measures: samples of a run, drawn as often as asked, or images that exist."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from sparring.config.build import NOTHING, Builder
from sparring.config.compose import compose, hydra_at, searchpath
from sparring.config.explain import readable_errors
from sparring.config.groups import Groups
from sparring.config.plain import plain
from sparring.core.errors import ConfigError, DataError
from sparring.core.package import CONFIG_DIR
from sparring.core.task import class_words
from sparring.core.terminal import say
from sparring.core.types import Batch
from sparring.core.wording import listing, near
from sparring.data.module.image_data import ImageData
from sparring.data.reading.image_set import ImageSet, read_images
from sparring.data.serving import provenance
from sparring.evaluation.measure import Subject
from sparring.evaluation.settings import EvaluateSettings
from sparring.generation.sampler import Sampler, class_rule, joined
from sparring.run.directory import RunDir
from sparring.trained.networks import TrainedGenerator

MAX_SAMPLES = 10_000  # where no count is given


def subject_of(settings: EvaluateSettings) -> Subject:
    """What the settings name. Raises what reading it raises."""
    return run_subject(settings) if settings.run is not None else image_subject(settings)


def run_subject(settings: EvaluateSettings, *, networks: Mapping[str, nn.Module] = NOTHING) -> Subject:
    """Samples of a trained generator, against the data it was trained on.

    Args:
        networks: those that the run was given in Python.

    Raises:
        CheckpointError: no such run, no generator in it, or no such weights.
        DataError: its data hold other images than it was trained on.
    """
    draw, device, runs = settings.draw, settings.device, replace(settings.runs, networks=networks)
    source = runs.open(str(settings.run))
    trained = runs.generator(source, weights=draw.weights, checkpoint=draw.checkpoint)
    data_settings = {
        **source.config["data"],
        "cache_dir": str(settings.cache_dir),
    }  # no file of a run names where to write
    data = _set_up(data_settings, runs.build)
    _check_images(source, trained, data)
    count = min(MAX_SAMPLES, len(data.train_labels)) if draw.count is None else draw.count

    label = class_rule(draw.label, trained.class_names)
    if isinstance(label, int) and label < len(trained.class_names):
        say(f"label={draw.label} is {class_words(label, trained.class_names)}")

    def sets() -> Iterator[Batch]:
        for repeat in range(draw.repeats):
            sampler = Sampler(
                trained.network.to(device), latent_dim=trained.latent_dim, num_classes=trained.num_classes, count=count,
                seed=draw.seed + repeat, label=label, class_prior=trained.class_prior, truncation=draw.truncation,
                batch_size=draw.batch_size, device=device,
            )  # fmt: skip
            samples = joined(sampler)
            yield Batch(samples.image, samples.label)

    protocol = {
        "samples": {"weights": trained.origin["weights"], "checkpoint": draw.checkpoint, "label": draw.label,
                    "truncation": draw.truncation, "batch_norm": "running statistics", "seed": draw.seed},
    }  # fmt: skip
    logits = runs.discriminator_logits(source, checkpoint=draw.checkpoint, device=device)
    return Subject(
        draw=sets, count=count, repeats=draw.repeats, data=data, data_settings=data_settings, origin=trained.origin,
        protocol=protocol, logits=logits,
    )  # fmt: skip


def _check_images(source: RunDir, trained: TrainedGenerator, data: ImageData) -> None:
    """Where splits have changed, images count as held out that the generator was trained on. Raises DataError."""
    trained_on, present = trained.origin["fingerprints"] or {}, data.fingerprints()
    changed = [split for split in present if trained_on.get(split, present[split]) != present[split]]
    if changed:
        raise DataError(
            f"{source.path} was trained on other images than its data holds now ({', '.join(changed)} differ): give back the"
            " same images, or generate some and measure them with images= and reference=."
        )


def image_subject(settings: EvaluateSettings, images: ImageSet | None = None) -> Subject:
    """Images that exist, against a data set of conf/data or that of a run.

    Args:
        images: those at hand in Python; None: those that the settings name.

    Raises:
        ConfigError: the reference is neither a run nor a data set.
        DataError: the images cannot be read, have another shape or classes than the reference, or are of a generator that was
            trained on the reference's held-out images.
    """
    data_settings = _reference(settings)
    data = _set_up(data_settings, settings.runs.build)
    if images is None:
        images = read_images(
            Path(str(settings.images)), channels=data.shape.channels, image_size=data.shape.image_size,
            class_names=data.class_names,
        )  # fmt: skip
    else:
        _check_fits(images, data)
    _check_provenance(images, data, settings.splits)
    batch = Batch(images.image, images.label)
    return Subject(
        draw=lambda: iter([batch]), count=len(images.label), repeats=1, data=data, data_settings=data_settings,
        origin=images.origin, protocol={"samples": {"images": "as found"}}, logits=None,
    )  # fmt: skip


def _check_fits(images: ImageSet, data: ImageData) -> None:
    """Raise DataError unless images that were given in Python are like those of the reference."""
    wanted, shape = (data.shape.channels, data.shape.image_size, data.shape.image_size), tuple(images.image.shape[1:])
    if shape != wanted:
        raise DataError(
            f"the images have the shape {shape} and those of the reference {wanted} (channels, height, width): convert them."
        )
    if len(images.label) and int(images.label.max()) >= len(data.class_names):
        raise DataError(
            f"the labels reach {int(images.label.max())} and the reference has {len(data.class_names)} classes, counted from 0;"
            " -1 stands for an unknown label."
        )


def _check_provenance(images: ImageSet, data: ImageData, splits: Sequence[str]) -> None:
    """Raise DataError where the generator of `images` was trained on images of val or test of the reference."""
    generator = images.origin.get("generator")
    if generator is None:
        return
    folders = (Path(images.origin["path"]), Path(generator["run"]))
    folder = next((each for each in folders if (each / provenance.FILE).exists()), None)
    if folder is None:
        return
    held_out = {split: data.record(split) for split in splits if split != "train" and len(data.whole(split).label)}
    own_train = data.record("train").hashes
    for record in provenance.load(folder, fingerprints=generator["fingerprints"]):
        for split, images_of in held_out.items():
            if record.role == "trained" and len(rows := provenance.shared(images_of, record, own_train)):
                raise DataError(
                    f"{record.by} was trained on {len(rows)} of the {len(images_of.rows)} {split} images of the reference, so a"
                    f" distance to them would flatter it: measure against the run's own data with"
                    f" reference={generator['run']}, or only against splits=[train]."
                )


def _reference(settings: EvaluateSettings) -> Mapping[str, Any]:
    """The settings of the data set that images are measured against."""
    if settings.data is not None:
        return settings.data
    given, own = str(settings.reference), searchpath()
    with hydra_at(CONFIG_DIR, "train"):
        choices = Groups("train", own).choices("data")
    if given not in choices:
        run = settings.runs.find(given)
        if not run.is_dir():
            raise ConfigError(
                f"reference={given} is neither a run nor a data set{near(given, choices)} (there are the data sets"
                f" {listing(sorted(choices))})."
            )
        return RunDir.open(run).config["data"] | {"cache_dir": str(settings.cache_dir)}
    places = [f"paths.cache_dir={settings.cache_dir}", f"paths.root_dir={settings.root_dir}", "name=reference"]
    with readable_errors():
        return plain(compose("train", [f"data={given}", *places, *own]).data)


def _set_up(settings: Mapping[str, Any], build: Builder) -> ImageData:
    data: ImageData = build(settings, section="data")
    data.setup("fit")
    return data
