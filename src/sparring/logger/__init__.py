"""Where scalars and pictures of a run go. Every logger here is a Lightning Logger that also follows `RunLogger`."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class RunLogger(Protocol):
    """What training calls. Only rank 0 writes; on other ranks the methods do nothing."""

    def continue_after(self, iteration: int, run_id: str | None = None) -> None:
        """Call once after loading a checkpoint of `iteration`, before logging: no later point will appear twice.

        `run_id` is what the logger's `run_id` was when the checkpoint was saved, if it has one.
        """

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        """Record the settings of the run: plain containers."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Record scalars at iteration `step`; `metrics` includes `images_seen`."""

    def log_image(self, name: str, image: "NDArray[np.uint8]", step: int) -> None:
        """Record an (H, W, C) uint8 picture, C 1 or 3, at iteration `step`."""

    def finalize(self, status: str) -> None:
        """Write out everything and close; `status` is Lightning's, "success" or something else."""
