"""The trained classifier that AdvGAN attacks, kept outside of the module that trains against it."""

from torch import nn

from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.types import TrainedNetwork


class AttackedClassifier:
    """A classifier in eval mode with frozen weights, which no optimizer, checkpoint or weights file holds.

    Args:
        run: run directory as `model.target` gives it. checkpoint: which of its weights.
    """

    def __init__(self, *, run: str, checkpoint: str) -> None:
        self.run, self.checkpoint = run, checkpoint
        self._loaded: TrainedNetwork | None = None

    def attach(self, loaded: TrainedNetwork) -> None:
        loaded.network.eval().requires_grad_(False)
        self._loaded = loaded

    @property
    def network(self) -> nn.Module:
        """Images (N, C, H, W) in [-1, 1] -> logits (N, K). Raises ConfigError before `attach`."""
        if self._loaded is None:
            raise ConfigError(f"model.target={self.run} was not loaded: train with train.py, or call attach().")
        return self._loaded.network

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
