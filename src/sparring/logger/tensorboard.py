"""Scalars and pictures for TensorBoard: `tensorboard --logdir <run>/tensorboard`."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import OmegaConf

from sparring.core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardLogger(Logger):
    """Event files with the iteration as step."""

    def __init__(self, *, path: str | os.PathLike[str]) -> None:
        """`path`: the folder of the event files.

        Raises:
            ConfigError: when TensorBoard is not installed.
        """
        super().__init__()
        if importlib.util.find_spec("tensorboard") is None:
            raise ConfigError(
                "logger=tensorboard needs a package that is not installed: pip install -e '.[tensorboard]', "
                "or leave tensorboard out of the loggers."
            )
        self.path = Path(path)
        self._purge_from: int | None = None
        self._writer: SummaryWriter | None = None

    @property
    def name(self) -> str:
        return "tensorboard"

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.path)

    @property
    def experiment(self) -> "SummaryWriter":
        """The writer, opened at its first use, so that a refused run leaves no files."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.path), purge_step=self._purge_from)
        return self._writer

    @rank_zero_only
    def continue_after(self, iteration: int, run_id: str | None = None) -> None:
        """Let TensorBoard drop the points after `iteration` from the earlier event files."""
        self._purge_from = iteration + 1

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Record the settings as text."""
        text = OmegaConf.to_yaml(OmegaConf.create(params))
        self.experiment.add_text("config", "".join(f"    {line}\n" for line in text.splitlines()))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record each scalar under its name at iteration `step`."""
        for name, value in metrics.items():
            self.experiment.add_scalar(name, float(value), step)
        # Unflushed points would be missing from the curves of a run that was killed after its checkpoint.
        self.experiment.flush()

    @rank_zero_only
    def log_image(self, name: str, image: "NDArray[np.uint8]", step: int) -> None:
        """Record an (H, W, C) uint8 picture."""
        self.experiment.add_image(f"images/{name}", image, step, dataformats="HWC")

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Close the event file; logging again would open the next one."""
        if self._writer is not None:
            self._writer.close()
            self._writer, self._purge_from = None, None
