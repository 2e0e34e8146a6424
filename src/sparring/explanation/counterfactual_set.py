"""Counterfactual images as an image set that a classifier can learn from: `data/mix=images`."""

from collections.abc import Sequence
from pathlib import Path

import torch

from sparring.core.errors import ConfigError, DataError
from sparring.core.pixels import to_uint8
from sparring.core.task import Task
from sparring.data.serving import provenance
from sparring.explanation.counterfactuals import Counterfactuals
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import Subject
from sparring.generation.derived import write_derived
from sparring.generation.export import check_formats
from sparring.generation.sampler import Samples
from sparring.run.directory import RunDir
from sparring.trained.data import data_of
from sparring.trained.runs import Runs


def check_set(formats: Sequence[str], generator: str | None, task: Task, *, kind: str) -> None:
    """Raise ConfigError for formats of counterfactuals that nothing makes, or that there are not. kind: of the subject."""
    if formats and kind != "classifier":
        raise ConfigError(
            f"format={list(formats)} writes counterfactual images of a classifier, and what is explained is a {kind}: leave it "
            "out."
        )
    if formats and generator is None:
        raise ConfigError(
            f"format={list(formats)} writes counterfactual images, which need generator=<GAN's run>; give one."
        )
    if formats:
        check_formats(formats, task.channels)


def write_counterfactuals(
    settings: ExplainSettings, subject: Subject, found: Counterfactuals, runs: Runs, run: RunDir
) -> dict[str, str]:
    """The valid ones, each with the class that was asked for as its label; returns the files by format.

    Raises:
        DataError: none is valid. DiskError.
    """
    kept = found.valid.nonzero().flatten()
    if not len(kept):
        raise DataError(
            f"format={list(settings.formats)}: no counterfactual is valid, so there is nothing to write; raise invert_steps, or "
            "give another generator."
        )
    samples = Samples(torch.arange(len(kept)), found.target[kept], to_uint8(found.counterfactual[kept]))
    origin, made_by = subject.loaded.origin, found.record["generator"]
    data = data_of(origin, runs, cache_dir=settings.cache_dir)
    records = [data.record(settings.split, role="trained")]
    for each in (origin, made_by):
        records += provenance.load(Path(each["run"]), fingerprints=each["fingerprints"])
    return write_derived(
        run, samples, formats=settings.formats, verb="explain", origin=origin,
        settings={"split": settings.split, "to": settings.to, "generator": made_by["run"]},
        class_names=subject.loaded.class_names, seed=settings.seed, records=records,
    )  # fmt: skip
