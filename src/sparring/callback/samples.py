"""Sample grids from fixed latents, one row per class, on a growing interval."""

import logging
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from torch import Tensor

from sparring.core.errors import DiskError
from sparring.core.interval import check_growing, is_due
from sparring.core.picture import grid, grid_of_rows, write_png
from sparring.core.pixels import to_uint8
from sparring.core.plane import POINT
from sparring.core.randomness import generator
from sparring.core.sharding import settle
from sparring.model.game import Game

log = logging.getLogger(__name__)
POINTS = 2000  # of data=toy2d in a picture


class SampleGrids(L.Callback):
    """For models with a generator: its averaged images at the start, at `first`, `first * growth`, ... and at the end.

    Latents depend on the seed alone, so that pictures of one run are comparable. At most `rows` classes are shown.
    The same layout of real images is written once as `real.png`.
    """

    def __init__(self, *, columns: int, rows: int, first: int, growth: float, run_dir: str) -> None:
        check_growing("callback.samples", first, growth)
        self.columns, self.rows = columns, rows
        self.first, self.growth = first, growth
        self.folder = Path(run_dir) / "images"

    def due(self, iteration: int) -> bool:
        """Whether `iteration` is in {0, round(first * growth^k)}."""
        return iteration == 0 or is_due(iteration, first=self.first, growth=self.growth)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Game)
        if pl_module.clock.iteration > 0 or not pl_module.draws_images:
            return
        if trainer.is_global_zero:
            data = _data(trainer)
            most, columns = self._layout(data)
            real = data.real_examples(columns)
            classes = range(min(most, data.shape.num_classes))
            rows = [real.image[real.label == each] for each in classes]
            names = data.class_names[: len(rows)]
            self._publish(trainer, "real", grid_of_rows(rows, columns=columns, row_labels=names), 0)
        self.draw(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, Game)
        iteration = pl_module.clock.iteration
        if not pl_module.draws_images:
            return
        if self.due(iteration) or iteration == trainer.max_steps:
            self.draw(trainer, pl_module)

    def draw(self, trainer: L.Trainer, module: Any) -> None:
        """One picture; every device must call it."""
        settle(module)
        if trainer.is_global_zero:
            rows, columns = self._layout(_data(trainer))
            images = to_uint8(self.images(module, rows=rows, columns=columns)).cpu()
            names = _data(trainer).class_names[: len(images) // columns] if module.conditional else None
            picture = grid(images, columns, row_labels=names)
            self._publish(trainer, f"samples_{module.clock.iteration:08d}", picture, module.clock.iteration)

    def _layout(self, data: Any) -> tuple[int, int]:
        """(rows at most, columns); of points, which are drawn as their density, many of every class."""
        shape = data.shape
        if (shape.channels, shape.image_size, shape.image_size) != POINT:
            return self.rows, self.columns
        return shape.num_classes, max(self.columns, POINTS // shape.num_classes)

    @torch.no_grad()
    def images(self, module: Any, *, rows: int, columns: int) -> Tensor:
        """(rows * columns, C, H, W) images of the averaged generator, row by row one class; fewer rows where it has fewer."""
        rows = min(rows, module.num_classes)
        draws = generator(module.seed, "samples")
        latent = torch.randn(rows * columns, module.latent_dim, generator=draws)
        label = torch.arange(rows).repeat_interleave(columns)
        return module.ema(latent.to(module.device, module.weight_dtype()), label.to(module.device))

    def _publish(self, trainer: L.Trainer, name: str, picture: np.ndarray, iteration: int) -> None:
        try:
            write_png(self.folder / f"{name}.png", picture)
        except DiskError as error:  # a picture is not worth the run
            log.warning("%s is missing: %s", name, error)
        for logger in trainer.loggers:
            logger.log_image(name.partition("_")[0], picture, step=iteration)  # type: ignore[attr-defined]


def _data(trainer: L.Trainer) -> Any:
    return trainer.datamodule  # type: ignore[attr-defined]
