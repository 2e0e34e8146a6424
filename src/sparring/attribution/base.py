"""The base of attribution methods: a network, images and the logit to explain in; one number per pixel out."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from sparring.core.modules import frozen_eval

ROWS = 256  # images of one pass


class Attribution(ABC):
    """Base of every `sparring.attribution.<name>` leaf: subclasses define `attribute`.

    signed: whether a negative value means that the pixel speaks against the class; other maps are 0 and more.
    adds_up: whether a map's sum is to be the change of the logit from the baseline to the image.
    """

    signed: bool = True
    adds_up: bool = False

    def __call__(
        self, network: nn.Module, image: Tensor, target: Tensor, *, baseline: Tensor, index: Tensor, seed: int
    ) -> Tensor:
        """Attribution maps of a batch. May be called under `no_grad` and `inference_mode`.

        Args:
            network: images (N, C, H, W) in [-1, 1] -> logits (N, K); in eval mode with frozen weights during the call.
            image: float32 (N, C, H, W) in [-1, 1].
            target: (N,) int64, the logit to explain.
            baseline: broadcasts to `image`: what an absent pixel looks like.
            index: (N,) int64, numbers of the images in their data set: what is drawn for an image depends on (seed, index).

        Returns:
            float32 (N, H, W), larger where a pixel speaks more for the target.

        Raises:
            ConfigError: the method does not apply to the network.
        """
        with torch.inference_mode(False), torch.enable_grad(), frozen_eval(network):
            image, target, baseline = image.detach().clone(), target.clone(), baseline.expand_as(image).clone()
            return self.attribute(network, image, target, baseline, index.cpu(), seed).detach()

    def check(self, network: nn.Module, image: Tensor) -> None:  # noqa: B027  # most methods apply to every network
        """Raise ConfigError if the method does not apply to the network, on images like `image` (N, C, H, W)."""

    @abstractmethod
    def attribute(
        self, network: nn.Module, image: Tensor, target: Tensor, baseline: Tensor, index: Tensor, seed: int
    ) -> Tensor:
        """Maps (N, H, W), N >= 1. baseline: (N, C, H, W). index: (N,) int64 on the CPU."""


def score(network: nn.Module, image: Tensor, target: Tensor) -> Tensor:
    """(N,) the target's logit of each image."""
    return network(image).gather(1, target[:, None]).squeeze(1)


def scores(network: nn.Module, image: Tensor, target: Tensor) -> Tensor:
    """As `score`, without a graph, ROWS images at a time."""
    with torch.no_grad():
        parts = zip(image.split(ROWS), target.split(ROWS), strict=True)
        return torch.cat([score(network, x, y).float() for x, y in parts])


def gradient(network: nn.Module, image: Tensor, target: Tensor) -> Tensor:
    """(N, C, H, W): the gradient of each image's target logit, ROWS images at a time."""
    parts = []
    for x, y in zip(image.split(ROWS), target.split(ROWS), strict=True):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(score(network, x, y).sum(), x)
        parts.append(slope)
    return torch.cat(parts)
