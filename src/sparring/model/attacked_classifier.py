"""The trained classifier that AdvGAN attacks, kept outside of the module that trains against it."""

from torch import nn

from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.task import class_index
from sparring.core.types import TrainedNetwork


class AttackedClassifier:
    """A classifier in eval mode with frozen weights, which no optimizer, checkpoint or weights file holds.

    Args:
        run: run directory as `model.target` gives it. checkpoint: which of its weights.
        target_class: what all images shall be taken for, its name or index; None: anything wrong.
    """

    def __init__(self, *, run: str, checkpoint: str, target_class: int | str | None = None) -> None:
        self.run, self.checkpoint, self._target_class = run, checkpoint, target_class
        self._loaded: TrainedNetwork | None = None

    def attach(self, loaded: TrainedNetwork) -> None:
        """Raises ConfigError where it does not know the class that is asked for."""
        if self._target_class is not None:
            self._target_class = class_index(self._target_class, loaded.class_names, key="model.target_class")
        loaded.network.eval().requires_grad_(False)
        self._loaded = loaded

    @property
    def network(self) -> nn.Module:
        """Images (N, C, H, W) in [-1, 1] -> logits (N, K). Raises ConfigError before `attach`."""
        if self._loaded is None:
            raise ConfigError(f"model.target={self.run} was not loaded: train with train.py, or call attach().")
        return self._loaded.network

    @property
    def target_class(self) -> int | None:
        """Its index; known once the classifier is there, if it was given by its name."""
        return self._target_class if isinstance(self._target_class, int) else None

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._loaded.class_names if self._loaded is not None else ()

    @property
    def weights_sha256(self) -> str:
        return str(self._loaded.origin["weights_sha256"]) if self._loaded is not None else ""

    def check(self, weights_sha256: str) -> None:
        """Raise CheckpointError where a run that is resumed was trained against other weights."""
        if weights_sha256 != self.weights_sha256:
            raise CheckpointError(
                f"model.target={self.run} holds other weights than those that this run was trained against; give back "
                "the classifier as it was, or start a new run."
            )
