"""Enhancement of images whose originals are known: those of the run's own data, degraded as in its training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.attack.evaluation.evaluate import subset
from sparring.core.errors import ConfigError, DataError
from sparring.core.measurement import Measurement, share
from sparring.core.picture import grid_of_rows, write_png
from sparring.core.pixels import normalise, to_uint8
from sparring.core.progress import tracked
from sparring.core.task import check_same_task
from sparring.data.module.image_data import ImageData
from sparring.data.serving import provenance
from sparring.enhancement.measure import MEASURES, ROWS, Version, table
from sparring.enhancement.settings import EnhanceSettings
from sparring.generation.derived import write_derived
from sparring.generation.export import check_formats
from sparring.generation.sampler import Samples
from sparring.model.enhancer.base import enlarged
from sparring.run.directory import RunDir
from sparring.trained.data import data_of
from sparring.trained.enhancer import TrainedEnhancer
from sparring.trained.runs import Runs


def enhance_own_data(settings: EnhanceSettings, trained: TrainedEnhancer, runs: Runs, run: RunDir) -> dict[str, Any]:
    """The sections of result.json; writes images/comparison.png, the enhanced images and manifest.json.

    Raises:
        DataError: the images are not those that the run was made with, or the classifier sees other ones.
        ConfigError: a run to compare with that enlarges by another factor, or a format that there is not.
    """
    check_formats(settings.formats, trained.task.channels)
    data = data_of(trained.origin, runs, cache_dir=settings.cache_dir)
    known, found = trained.origin["fingerprints"], data.fingerprints()
    if known and known.get(settings.split) != found[settings.split]:
        raise DataError(
            f"The {settings.split} images of {data.data_name} are not those that {trained.origin['run']} was made with; "
            "restore the data, or train again."
        )
    whole = data.whole(settings.split)
    index = subset(len(whole.label), settings.count)
    if not len(index):
        raise DataError(f"The {settings.split} split of {data.data_name} is empty; give split=test or split=val.")
    original, label = normalise(whole.image[index]).to(settings.device), whole.label[index].to(settings.device)
    bad = trained.degradation(original, seed=settings.seed, index=index)
    versions = [Version("bicubic", enlarged(bad, trained.degradation.factor)), *_enhanced(settings, trained, runs, bad)]
    classifier = None
    if settings.classifier is not None:
        loaded = runs.classifier(settings.classifier)
        check_same_task(
            f"classifier={settings.classifier}", loaded.task, other=f"run={settings.run}", wanted=trained.task,
            needs="give a classifier",
        )  # fmt: skip
        classifier = loaded.network.to(settings.device)
    rows = table(versions, original, label, classifier)
    _picture(run.images / "comparison.png", bad, versions, original, settings.pictured)
    samples = Samples(index, label.cpu(), to_uint8(versions[1].image).cpu())
    files = _write(settings, trained, data, run, samples)
    protocol = {
        "split": settings.split, "images": len(index), "seed": settings.seed, "degradation": trained.degradation_settings,
        "classifier": settings.classifier, "checkpoint": settings.checkpoint, "weights": trained.origin["weights"],
    }  # fmt: skip
    return {
        "metrics": _metrics(rows, protocol),
        "data": {"fingerprints": found, "split": settings.split},
        "network": trained.origin,
        "comparison": rows,
        "files": files,
        "protocol": protocol,
        "count": len(index),
    }


def _enhanced(settings: EnhanceSettings, trained: TrainedEnhancer, runs: Runs, bad: Tensor) -> list[Version]:
    """The images of the run, and of those beside it, by name."""
    named = [("enhanced", trained)]
    for given in settings.beside:
        other = runs.enhancer(given)
        check_same_task(
            f"beside={given}", other.task, other=f"run={settings.run}", wanted=trained.task, needs="compare runs"
        )
        if other.network.factor != trained.network.factor:
            raise ConfigError(
                f"beside={given} enlarges by {other.network.factor} and run={settings.run} by {trained.network.factor}; "
                "compare runs of one factor."
            )
        named.append((Path(other.origin["run"]).name, other))
    made = []
    for name, each in named:
        network = each.network.to(settings.device)
        with torch.no_grad():
            parts = [network(part) for part in tracked(bad.split(ROWS), f"{name}: batch")]
        made.append(Version(name, torch.cat(parts)))
    return made


def _picture(path: Path, bad: Tensor, versions: list[Version], original: Tensor, count: int) -> None:
    """A row per image: degraded, the versions, original. Raises DiskError."""
    same = interpolate(bad[:count], size=original.shape[2:], mode="nearest")
    columns = [same, *(each.image[:count] for each in versions), original[:count]]
    write_png(path, grid_of_rows(list(torch.stack([to_uint8(each).cpu() for each in columns], 1))))


def _write(
    settings: EnhanceSettings, trained: TrainedEnhancer, data: ImageData, run: RunDir, samples: Samples
) -> dict[str, str]:
    """The enhanced images in the formats asked for, as `data.mix.images` takes them: with manifest and provenance.

    The provenance names the originals of the images and what the enhancer was trained on, so that no classifier is tested on
    either. Returns the files by format.
    """
    of_enhancer = provenance.load(Path(trained.origin["run"]), fingerprints=trained.origin["fingerprints"])
    return write_derived(
        run, samples, formats=settings.formats, verb="enhance", origin=trained.origin,
        settings={"split": settings.split, "degradation": trained.degradation_settings},
        class_names=trained.task.class_names, seed=settings.seed,
        records=[data.record(settings.split, role="trained"), *of_enhancer],
    )  # fmt: skip


def _metrics(rows: list[dict[str, Any]], protocol: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{protocol['split']}/{measure}/{row['version']}": _measured(row, measure, protocol).record()
        for row in rows
        for measure in MEASURES
        if row[measure] is not None
    }


def _measured(row: Mapping[str, Any], measure: str, protocol: Mapping[str, Any]) -> Measurement:
    """An accuracy with the interval of a share, a PSNR with that of a mean over images."""
    value, own = row[measure], dict(protocol) | {"version": row["version"]}
    if measure == "accuracy":
        return share(value, images=protocol["images"], protocol=own)
    interval = tuple(row["psnr_interval"]) if measure == "psnr" and row["psnr_interval"] else None
    return Measurement(value=value, direction=MEASURES[measure], protocol=own, interval=interval)
