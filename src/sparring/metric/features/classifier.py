"""Features of a classifier of the same data set: cheap, and made for these images, whatever their channels and size."""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise
from sparring.metric.features.base import NetworkFeatures


@runtime_checkable
class FeatureNetwork(Protocol):
    """A classifier's network: images (N, C, H, W) in [-1, 1] -> logits (N, K), and its features (N, F)."""

    def features(self, image: Tensor) -> Tensor: ...

    def __call__(self, image: Tensor) -> Tensor: ...


class ClassifierFeatures(NetworkFeatures):
    """The layer before the logits of a classifier, and its logits.

    The network is not built here: `sparring.evaluation.reference.attach_network` loads or trains it and calls `attach`.

    Args:
        run: run directory of a classifier, or None for the reference classifier of the data set.
        batch_size: images per forward pass.
    """

    name = "classifier"

    def __init__(self, *, run: str | None, batch_size: int) -> None:
        super().__init__(batch_size=batch_size)
        self.run = run
        self._origin: dict[str, Any] = {}
        self._has_head = False

    def attach(self, network: nn.Module, *, channels: int, image_size: int, weights: str, **origin: Any) -> None:
        """Use `network`, which is put into eval mode.

        Args:
            network: images (N, C, H, W) in [-1, 1] -> logits (N, K), with `features(image)` -> (N, D).
            channels, image_size: of the images it was trained on.
            weights: its sha256.
            origin: further entries of the protocol.

        Raises:
            ConfigError: the network has no `features(image)`.
        """
        if not isinstance(network, FeatureNetwork):
            raise ConfigError(
                f"{type(network).__name__} has no features(image): metric/features=classifier needs the run of a classifier."
            )
        self._network = network.eval().requires_grad_(False).to(self.device)
        self.shape = (channels, image_size, image_size)
        self._origin = {"weights": weights, **origin}
        probe = torch.linspace(-1, 1, channels * image_size**2, device=self.device).view(1, *self.shape)
        with torch.no_grad():
            features, logits = network.features(probe), network(probe)
            # Where the logits are a head on the features, one pass through the network gives both.
            self._has_head = isinstance(head := getattr(network, "head", None), nn.Module) and torch.equal(
                head(features), logits
            )
        if features.ndim != 2 or logits.ndim != 2:
            raise ConfigError(
                f"{type(network).__name__} gives features {tuple(features.shape)} and logits {tuple(logits.shape)} for one image:"
                " metric/features=classifier needs (images, features) and (images, classes)."
            )
        self.dim, self.num_classes = features.shape[1], logits.shape[1]

    def protocol(self) -> dict[str, Any]:
        assert self.network is not None
        return {"features": self.name, **self._origin, "resize": None, "range": [-1.0, 1.0]}

    def _load(self) -> nn.Module:
        raise ConfigError(
            "metric/features=classifier has no network yet: call sparring.evaluation.reference.attach_network, or give it one"
            " with attach()."
        )

    def _extract(self, image: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        if image.shape[1:] != self.shape:
            raise ConfigError(
                f"The classifier was trained on images of shape {self.shape}, got {tuple(image.shape[1:])}: use the classifier"
                " of this data set (metric.features.run=null), or metric/features=lite0."
            )
        return self._forward(network, normalise(image))

    def _forward(self, network: Any, image: Tensor) -> tuple[Tensor, Tensor]:
        features = network.features(image)
        return features, network.head(features) if self._has_head else network(image)
