"""`sparring.evaluate`: how good images are, whoever made them."""

import hashlib
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.api.compose import Overrides, checked, flat
from sparring.api.folder import new_run
from sparring.api.images import classes_of, content_of, pixels
from sparring.api.own_data import data_overrides, keep
from sparring.api.run import Run
from sparring.config.build import Builder
from sparring.config.compose import log_dir, quoted
from sparring.core.errors import ConfigError, DataError
from sparring.core.types import UNLABELLED
from sparring.data.reading.image_set import ImageSet
from sparring.evaluation.measure import Subject
from sparring.evaluation.settings import EvaluateSettings
from sparring.evaluation.subject import image_subject, run_subject
from sparring.run.directory import RunDir
from sparring.run.search import find_run, is_run
from sparring.stage.evaluate import evaluate as evaluate_stage


def evaluate(
    images: Any, *overrides: Overrides, labels: Any = None, reference: Any = None, run_dir: str | Path | None = None
) -> Run:
    """Measure a trained generator, a folder of images, or images at hand against real ones, as the command
    `evaluate` does.

    >>> import torch, sparring
    >>> noise = torch.rand(40, 1, 8, 8)
    >>> quick = ["metric/features=pixels", "metric.names=[fd,coverage]", "splits=[test]", "report=false"]
    >>> measured = sparring.evaluate(noise, quick, reference=(torch.rand(200, 1, 8, 8), torch.arange(200) % 4))
    >>> measured.status, len(measured.metrics)
    ('finished', 2)

    Args:
        images: a `Run` or the directory of one, whose generator then draws; a folder with one sub-folder per class, a run of
            generate or a parquet file; or images (N, C, H, W), uint8, floats in [0, 1], or in [-1, 1] if any is negative,
            also with their labels as a pair (images, labels), which `Run.sample` returns.
        overrides: as `sparring.compose` takes them for "evaluate", such as "metric/features=lite0".
        labels: (N,) classes of images at hand, -1 where unknown.
        reference: what images are held against: the name of a data set, a run whose data it is, or images with labels as
            `sparring.train` takes them. A run is held against its own data.
        run_dir: where the results go; a new folder below logs/evaluate if not given.

    Images at hand carry no record of what their generator saw: measure its run, or hold them against data that it did not see.

    Raises:
        ConfigError, DataError, CheckpointError, DivergedError, DiskError: in one sentence each.
    """
    if isinstance(images, tuple | list) and len(images) == 2 and labels is None:
        images, labels = images
    typed, content = flat(overrides), None
    source = _run_of(images)
    if source is not None:
        typed = [f"run={quoted(source.path)}", *_extensions(source), *typed]
    elif isinstance(images, str | Path):
        typed = [f"images={quoted(Path(images).expanduser())}", *typed]
    if isinstance(reference, str | Path | Run):
        typed = [f"reference={quoted(reference.path if isinstance(reference, Run) else reference)}", *typed]
    elif reference is not None:
        content = content_of(reference)
        typed = [*data_overrides(content), *typed]
    if source is not None and reference is not None:
        raise ConfigError("reference= goes with images: a run is held against the data that it was trained on.")
    config = checked("evaluate", typed)
    if content is not None:
        keep(content, config.data, build=Builder.of(config))
    subject = _subject(images, labels, config, source)
    folder = new_run(config, typed, "evaluate", run_dir)
    evaluate_stage(config, folder, subject=subject, hints=False)
    return Run(RunDir.open(folder))


def _extensions(run: Run) -> list[str]:
    packages = run.build.extensions
    return [f"extensions=[{','.join(packages)}]"] if packages else []


def _run_of(images: Any) -> Run | None:
    """The training run that is meant, if one is."""
    if isinstance(images, Run):
        return images
    if not isinstance(images, str | Path):
        return None
    folder = find_run(str(images), log_dir([]))
    return Run(RunDir.open(folder)) if is_run(folder) and (folder / "weights.safetensors").exists() else None


def _subject(images: Any, labels: Any, config: DictConfig, source: Run | None) -> Subject | None:
    """What is measured, where the configuration cannot name it."""
    if source is not None or isinstance(images, str | Path):
        if labels is not None:
            raise DataError("labels= goes with images at hand: a run and a folder bring their own.")
        if source is None or not source.networks:
            return None
        return run_subject(EvaluateSettings.of(config), networks=source.networks)
    image = pixels(images)
    label = classes_of([UNLABELLED] * len(image) if labels is None else labels, len(image), unknown=True)
    digest = hashlib.sha256(image.contiguous().numpy().data).hexdigest()
    config.images = f"images given in Python, sha256 {digest}"
    given = ImageSet(image, label, {"given": "in Python", "sha256": digest, "count": len(label)})
    return image_subject(EvaluateSettings.of(config), given)
