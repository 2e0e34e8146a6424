"""What `evaluate` measures: samples of a run, drawn as often as asked, or images that exist."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import nn

from sparring.config.build import NOTHING, build
from sparring.config.compose import compose, hydra_at, searchpath
from sparring.config.explain import readable_errors
from sparring.config.groups import Groups
from sparring.core.errors import ConfigError, DataError
from sparring.core.package import CONFIG_DIR
from sparring.core.settings import device_named
from sparring.core.types import Batch
from sparring.core.wording import listing, near
from sparring.data.module.image_data import ImageData
from sparring.data.reading.image_set import ImageSet, read_images
from sparring.data.serving import provenance
from sparring.evaluation.measure import Subject
from sparring.generation.sampler import Sampler
from sparring.run.directory import RunDir
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Runs

MOST = 10_000  # samples where no count is given


def subject_of(config: DictConfig) -> Subject:
    """Raises ConfigError unless exactly one of run and images is given, and what reading them raises."""
    if (config.run is None) == (config.images is None):
        raise ConfigError("give either run=<run directory of a GAN> or images=<images> reference=<data set>.")
    return run_subject(config) if config.run is not None else image_subject(config)


def run_subject(config: DictConfig, *, networks: Mapping[str, nn.Module] = NOTHING) -> Subject:
    """Samples of a trained generator, against the data it was trained on. networks: those that the run was given in Python."""
    runs = Runs.of(config, networks=networks)
    source = runs.open(config.run)
    trained = runs.generator(source, weights=config.weights, checkpoint=config.checkpoint)
    data_config = source.config.data
    data = _opened(data_config, runs)
    _check_images(source, trained, data)
    count = min(MOST, len(data.train_labels)) if config.count is None else config.count
    if config.repeats < 1:
        raise ConfigError(f"repeats={config.repeats} must be 1 or more sets of samples.")

    def draw() -> Iterator[Batch]:
        for repeat in range(config.repeats):
            yield _samples(trained, config, count, config.seed + repeat)

    protocol = {
        "samples": {"weights": trained.origin["weights"], "checkpoint": config.checkpoint, "label": config.label,
                    "truncation": config.truncation, "batch_norm": "running statistics", "seed": config.seed},
    }  # fmt: skip
    return Subject(
        draw=draw, count=count, repeats=config.repeats, data=data, data_config=data_config, origin=trained.origin,
        protocol=protocol, logits=runs.discriminator_logits(
            source, checkpoint=config.checkpoint, device=device_named(config.device)
        ),
    )  # fmt: skip


def _check_images(source: RunDir, trained: TrainedGenerator, data: ImageData) -> None:
    """Splits that have changed since would call images held out that the generator has seen. Raises DataError."""
    known, now = trained.origin["fingerprints"] or {}, data.fingerprints()
    changed = [split for split in now if known.get(split, now[split]) != now[split]]
    if changed:
        raise DataError(
            f"{source.path} was trained on other images than its data holds now ({', '.join(changed)} differ): give back the"
            " same images, or generate some and measure them with images= and reference=."
        )


def image_subject(config: DictConfig, images: ImageSet | None = None) -> Subject:
    """Images that exist, against a data set of conf/data or that of a run. images: those of `config.images` if not given.

    Raises:
        DataError: they have another shape or other classes than the reference, or their generator saw its held-out images.
    """
    if (config.reference is None) == (config.data is None):
        raise ConfigError(
            "images= needs reference=<data set, such as cifar10, or a run whose data it is>, or data=<data set>."
        )
    runs = Runs.of(config)
    data_config = _reference(config, runs)
    data = _opened(data_config, runs)
    if images is None:
        images = read_images(
            Path(str(config.images)), channels=data_config.channels, image_size=data_config.image_size,
            class_names=data.class_names,
        )  # fmt: skip
    else:
        _check_fits(images, data)
    _check_seen(images, data, [config.splits] if isinstance(config.splits, str) else config.splits)
    batch = Batch(images.image, images.label)
    return Subject(
        draw=lambda: iter([batch]), count=len(images.label), repeats=1, data=data,
        data_config=data_config, origin=images.origin, protocol={"samples": {"images": "as found"}}, logits=None,
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


def _check_seen(images: ImageSet, data: ImageData, splits: Sequence[str]) -> None:
    """Generated images say what their generator saw; held-out images are no reference for those. Raises DataError."""
    made = images.origin.get("generator")
    if made is None:
        return
    folders = (Path(images.origin["path"]), Path(made["run"]))
    folder = next((each for each in folders if (each / provenance.FILE).exists()), None)
    if folder is None:
        return
    held_out = {split: data.record(split) for split in splits if split != "train" and len(data.whole(split).label)}
    own_train = data.record("train").hashes
    for record in provenance.load(folder, fingerprints=made["fingerprints"]):
        for split, images_of in held_out.items():
            if record.role == "trained" and len(rows := provenance.shared(images_of, record, own_train)):
                raise DataError(
                    f"{record.by} was trained on {len(rows)} of the {len(images_of.rows)} {split} images of the reference, so a"
                    f" distance to them would flatter it: measure against the run's own data with reference={made['run']}, or"
                    " only against splits=[train]."
                )


def _reference(config: DictConfig, runs: Runs) -> DictConfig:
    if config.data is not None:
        return config.data
    given, own = str(config.reference), searchpath()
    with hydra_at(CONFIG_DIR, "train"):
        choices = Groups("train", own).choices("data")
    if given not in choices:
        run = runs.find(given)
        if not run.is_dir():
            raise ConfigError(
                f"reference={given} is neither a run nor a data set{near(given, choices)} (there are the data sets"
                f" {listing(sorted(choices))})."
            )
        return RunDir.open(run).config.data
    places = [f"paths.cache_dir={config.paths.cache_dir}", f"paths.root_dir={config.paths.root_dir}", "name=reference"]
    with readable_errors():
        return compose("train", [f"data={given}", *places, *own]).data


def _opened(data_config: DictConfig, runs: Runs) -> ImageData:
    data: ImageData = build(data_config, section="data", extensions=runs.extensions)
    data.setup("fit")
    return data


def _samples(trained: TrainedGenerator, config: DictConfig, count: int, seed: int) -> Batch:
    sampler = Sampler(
        trained.network.to(device_named(config.device)), latent_dim=trained.latent_dim, num_classes=trained.num_classes,
        count=count, seed=seed, label=config.label, class_prior=trained.class_prior, truncation=config.truncation,
        batch_size=config.batch_size, device=device_named(config.device),
    )  # fmt: skip
    images, labels = zip(*((part.image, part.label) for part in sampler), strict=True)
    return Batch(torch.cat(images), torch.cat(labels))
