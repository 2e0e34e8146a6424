"""What every feature extractor gives: uint8 images in, float32 features (and logits where it has them) out."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.metric.network.pretrained import Published, file_sha256, fill, locate, read_state


class Extracted(NamedTuple):
    """features (N, dim) float32; logits (N, K) float32, or None where the extractor is no classifier. On the CPU."""

    features: Tensor
    logits: Tensor | None


class Features(ABC):
    """Turns uint8 (N, C, H, W) images into features. Not a Module: its weights never get into a model or a checkpoint.

    Deterministic, and the same to 1e-5 whatever the batch size: images go through in chunks of `batch_size`.

    name: the address of its leaf, part of every metric's name.
    dim: number of features D.
    num_classes: of its logits, 0 where it has none.
    standard: whether a Frechet distance on it may be called FID.
    """

    name: ClassVar[str]
    dim: int
    num_classes: int = 0
    standard: bool = False

    def __init__(self, *, batch_size: int) -> None:
        if batch_size < 1:
            raise ConfigError(f"metric.features.batch_size={batch_size} must be at least 1.")
        self.batch_size = batch_size
        self.device = torch.device("cpu")

    def expect(self, *, channels: int, image_size: int) -> None:  # noqa: B027 - most need no shape
        """Take note of the shape of the images to come, where it matters."""

    @abstractmethod
    def protocol(self) -> dict[str, Any]:
        """Everything the features depend on, plain values: features, weights (sha256), resize, channels, range."""

    @abstractmethod
    def _extract(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """One chunk: uint8 (n, C, H, W) on `device` -> features (n, dim), logits (n, K) or None."""

    def to(self, device: torch.device | str) -> "Features":
        """Compute on `device`; results are on the CPU whatever the device."""
        self.device = torch.device(device)
        return self

    def __call__(self, image: Tensor) -> Tensor:
        """uint8 (N, C, H, W) -> (N, dim) float32 on the CPU. Raises ConfigError for floats or another shape."""
        return self.extract(image).features

    @torch.no_grad()
    def extract(self, image: Tensor) -> Extracted:
        """Features and logits from one forward. Raises ConfigError for floats or another shape, of images or features."""
        if image.dtype != torch.uint8 or image.ndim != 4:
            raise ConfigError(
                f"{self.name} features need uint8 (N, C, H, W) images, got {image.dtype} of shape {tuple(image.shape)}:"
                " convert with sparring.core.pixels.to_uint8."
            )
        parts = [self._checked(chunk.to(self.device)) for chunk in image.split(self.batch_size)]
        features = torch.cat([part[0].float().cpu() for part in parts])
        logits = [part[1].float().cpu() for part in parts if part[1] is not None]
        return Extracted(features, torch.cat(logits) if logits else None)

    def _checked(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """`_extract`, whose shapes must be those of its contract: a broadcast further on would give a wrong number."""
        features, logits = self._extract(image)
        if tuple(features.shape) != (len(image), self.dim):
            raise ConfigError(
                f"{self.name} features of {len(image)} images have the shape {tuple(features.shape)}, expected (images, dim) ="
                f" ({len(image)}, {self.dim}): correct the extractor or its dim."
            )
        if logits is not None and (logits.ndim != 2 or len(logits) != len(image)):
            raise ConfigError(
                f"{self.name} logits of {len(image)} images have the shape {tuple(logits.shape)}, expected (images, classes):"
                " correct the extractor."
            )
        return features, logits


class NetworkFeatures(Features):
    """An extractor with a network, loaded on first use: a protocol or a `--help` needs no weights in memory."""

    def __init__(self, *, batch_size: int) -> None:
        super().__init__(batch_size=batch_size)
        self._network: nn.Module | None = None

    @abstractmethod
    def _load(self) -> nn.Module:
        """The network with its weights, on the CPU."""

    @property
    def network(self) -> nn.Module:
        """In eval mode, without gradients, on `device`."""
        if self._network is None:
            self._network = self._load().eval().requires_grad_(False).to(self.device)
        return self._network

    def to(self, device: torch.device | str) -> "Features":
        if self._network is not None:
            self._network.to(device)
        return super().to(device)


class PublishedFeatures(NetworkFeatures):
    """Features of published weights, whose address and sha256 are `published`.

    Args:
        path: file of the weights, which may be others: the record has their hash. None takes the cached file or downloads it.
        cache_dir: where downloaded weights are kept.
        batch_size: images per forward pass.
    """

    published: ClassVar[Published]

    def __init__(self, *, path: str | None, cache_dir: str, batch_size: int) -> None:
        super().__init__(batch_size=batch_size)
        self.path, self.cache_dir = path, Path(cache_dir).expanduser()
        self._sha256: str | None = None

    @abstractmethod
    def _empty(self) -> nn.Module:
        """The network, its weights not yet set."""

    @property
    def sha256(self) -> str:
        """Of the weights' file."""
        if self._sha256 is None:
            self._sha256 = file_sha256(self._file())
        return self._sha256

    def _file(self) -> Path:
        return locate(self.published, self.path, self.cache_dir)

    def _load(self) -> nn.Module:
        file = self._file()
        self._sha256 = file_sha256(file)
        return fill(self._empty(), read_state(file), file)


def three_channels(image: Tensor, name: str) -> Tensor:
    """(N, 1 or 3, H, W) -> (N, 3, H, W): one channel is repeated, as `protocol` says. Raises ConfigError for others."""
    if image.shape[1] not in (1, 3):
        raise ConfigError(f"{name} features take 1 or 3 channels, got {image.shape[1]}: use metric/features=pixels.")
    return image.expand(-1, 3, -1, -1)
