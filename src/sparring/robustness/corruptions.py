"""The part of `attack.py` that looks at corruptions and calibration: nobody's attack, but what images meet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.task import check_same_task
from sparring.core.types import Batch, TrainedNetwork
from sparring.corruption import files
from sparring.corruption.evaluate import Corrupted, drawn, published, under
from sparring.corruption.score import mean_corruption_error
from sparring.corruption.table import CORRUPTIONS
from sparring.robustness.attacks import load


def corruption_names(given: Any) -> list[str]:
    """`all`, one name, or some. Raises ConfigError for a name that does not exist."""
    several = list(given) if isinstance(given, ListConfig | list) else [given]
    names = list(CORRUPTIONS) if several == ["all"] else [str(each) for each in several]
    unknown = [name for name in names if name not in CORRUPTIONS]
    if unknown:
        raise ConfigError(f"corruption {unknown[0]} is unknown; give all, or some of {', '.join(CORRUPTIONS)}.")
    return names


def corruption_table(
    config: DictConfig, loaded: TrainedNetwork, network: nn.Module, images: Batch, index: Tensor, device: torch.device
) -> dict[str, Any] | None:
    """What result.json holds under "corruptions"; None where the config asks for none.

    images: uint8 on the CPU. With `config.baseline`, another classifier of the same images, its errors give the mCE.
    """
    folder = None if config.corruption_files is None else Path(config.corruption_files).expanduser()
    names = corruption_names(config.corruptions)
    if not names and folder is None:
        return None
    if folder is not None:
        _check_published(folder, loaded)

    def sets() -> Iterator[Corrupted]:
        if folder is not None:
            return published(folder, count=config.count)
        return drawn(images, names, index=index, seed=config.seed)

    table = under(network, sets(), batch_size=config.batch_size)
    flat = [row for rows in table.values() for row in rows]
    found: dict[str, Any] = {
        "source": "drawn by sparring" if folder is None else str(folder),
        "table": table,
        "mean_accuracy": sum(row["accuracy"] for row in flat) / len(flat),
        "mean_ece": sum(row["ece"] for row in flat) / len(flat),
    }
    if config.baseline is not None:
        other = load(str(config.baseline), config)
        check_same_task(
            other.origin["run"],
            other.task,
            other=loaded.origin["run"],
            wanted=loaded.task,
            needs="mCE needs a classifier",
        )
        before = under(other.network.to(device), sets(), batch_size=config.batch_size)
        found["baseline"] = other.origin
        found["mce"] = mean_corruption_error(errors(table), errors(before))
    return found


def errors(table: dict[str, list[dict[str, float]]]) -> dict[str, list[float]]:
    """Corruption -> error rates, from the table of `under`."""
    return {name: [1 - row["accuracy"] for row in rows] for name, rows in table.items()}


def _check_published(folder: Path, loaded: TrainedNetwork) -> None:
    shape = files.read(folder, files.names(folder)[0], 1).image.shape
    if tuple(shape[1:]) != (loaded.channels, loaded.image_size, loaded.image_size):
        raise ConfigError(
            f"corruption_files={folder} holds images of {' x '.join(map(str, shape[1:]))} and the classifier sees "
            f"{loaded.channels} x {loaded.image_size} x {loaded.image_size}; give files of the data it was trained on."
        )
