"""Accuracy and calibration of the attacked classifier under corruptions, which no attacker chooses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.task import check_same_task
from sparring.core.types import Batch, TrainedNetwork
from sparring.corruption import files
from sparring.corruption.evaluate import Corrupted, drawn, published, under
from sparring.corruption.score import mean_corruption_error
from sparring.robustness.settings import AttackSettings
from sparring.trained.runs import Runs


def corruption_record(
    settings: AttackSettings, runs: Runs, loaded: TrainedNetwork, network: nn.Module, images: Batch, index: Tensor
) -> dict[str, Any] | None:
    """The section `corruptions` of result.json; None where the settings ask for none.

    Args:
        network: images (N, C, H, W) in [-1, 1] -> logits (N, K): `loaded`, behind its defence if it has one.
        images: (N, C, H, W) uint8 on the CPU, and labels.
        index: (N,) int64, the images' places in the split; what is drawn depends on (seed, index).

    Raises:
        ConfigError: published files of images that the classifier does not take.
        DataError: the baseline classifies other images.
    """
    wanted = settings.corruptions
    if not wanted.wanted:
        return None
    if wanted.folder is not None:
        _check_published(wanted.folder, loaded)

    def sets() -> Iterator[Corrupted]:
        if wanted.folder is not None:
            return published(wanted.folder, count=settings.count)
        return drawn(images, wanted.names, index=index, seed=settings.seed)

    table = under(network, sets(), batch_size=settings.batch_size)
    rows = [row for severities in table.values() for row in severities]
    record: dict[str, Any] = {
        "source": "drawn by sparring" if wanted.folder is None else str(wanted.folder),
        "table": table,
        "mean_accuracy": sum(row["accuracy"] for row in rows) / len(rows),
        "mean_ece": sum(row["ece"] for row in rows) / len(rows),
    }
    if wanted.baseline is not None:
        baseline = _baseline(wanted.baseline, runs, loaded)
        before = under(baseline.network.to(settings.device), sets(), batch_size=settings.batch_size)
        record["baseline"] = baseline.origin
        record["mce"] = mean_corruption_error(error_rates(table), error_rates(before))
    return record


def error_rates(table: dict[str, list[dict[str, float]]]) -> dict[str, list[float]]:
    """Corruption -> error rate at each severity, from the table of `under`."""
    return {name: [1 - row["accuracy"] for row in rows] for name, rows in table.items()}


def _baseline(given: str, runs: Runs, loaded: TrainedNetwork) -> TrainedNetwork:
    other = runs.classifier(given)
    needs = "mCE needs a classifier"
    check_same_task(other.origin["run"], other.task, other=loaded.origin["run"], wanted=loaded.task, needs=needs)
    return other


def _check_published(folder: Path, loaded: TrainedNetwork) -> None:
    shape = files.read(folder, files.names(folder)[0], 1).image.shape
    if tuple(shape[1:]) != (loaded.channels, loaded.image_size, loaded.image_size):
        raise ConfigError(
            f"corruption_files={folder} holds images of {' x '.join(map(str, shape[1:]))} and the classifier sees "
            f"{loaded.channels} x {loaded.image_size} x {loaded.image_size}; give files of the data it was trained on."
        )
