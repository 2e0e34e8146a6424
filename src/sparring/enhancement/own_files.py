"""Enhancement of files, whose originals nobody knows."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparring.core.atomic import write_atomic
from sparring.core.picture import encode_png, grid_of_rows, write_png
from sparring.core.progress import tracked
from sparring.enhancement.files import pictures_of
from sparring.enhancement.settings import EnhanceSettings
from sparring.enhancement.tiles import enhanced_pixels
from sparring.run.directory import RunDir
from sparring.trained.enhancer import TrainedEnhancer

FOLDER = "enhanced"


def enhance_files(settings: EnhanceSettings, trained: TrainedEnhancer, run: RunDir) -> dict[str, Any]:
    """The sections of result.json; writes enhanced/<name>.png, manifest.csv and images/comparison.png of the first image.

    Raises:
        DataError: there are no images, or one cannot be read. DiskError.
    """
    assert settings.images is not None
    network = trained.network.to(settings.device)
    rows, first = [], None
    for picture in tracked(pictures_of(settings.images), "images"):
        pixels = enhanced_pixels(
            network, picture.pixels, channels=trained.task.channels, tile=settings.tile, device=settings.device
        )
        file = Path(FOLDER) / picture.name
        (run.path / file).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(run.path / file, encode_png(pixels))
        sizes = ["x".join(map(str, each.shape[1::-1])) for each in (picture.pixels, pixels)]
        rows.append([picture.source, str(file), *sizes, str(pixels.shape[2])])
        first = first or (picture.pixels, pixels)
        if settings.count is not None and len(rows) == settings.count:
            break
    assert first is not None
    _picture(run.images / "comparison.png", *first, trained.network.factor)
    text = io.StringIO()
    csv.writer(text).writerows([["source", "file", "size", "enhanced_size", "channels"], *rows])
    write_atomic(run.path / "manifest.csv", text.getvalue().encode())
    protocol = {"images": str(settings.images), "tile": settings.tile, "checkpoint": settings.checkpoint}
    return {
        "metrics": {},
        "data": {"fingerprints": trained.origin["fingerprints"]},
        "network": trained.origin,
        "comparison": None,
        "files": {"folder": FOLDER, "manifest": "manifest.csv"},
        "protocol": protocol,
        "count": len(rows),
    }


def _picture(path: Path, before: np.ndarray, after: np.ndarray, factor: int) -> None:
    """The image, enlarged without smoothing, beside the enhanced one; (H, W, 1 to 4) uint8. Raises DiskError."""
    same = before.repeat(factor, 0).repeat(factor, 1)
    pair = torch.from_numpy(np.stack([same, after])).permute(0, 3, 1, 2)
    drawn = pair[:, :3] if pair.shape[1] >= 3 else pair[:, :1]
    write_png(path, grid_of_rows([drawn]))
