"""The base of a classifier's training methods, standard or adversarial."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.attack.pgd import PGD
from sparring.model.step.draws import Draws


class LossOutput(NamedTuple):
    """loss: the mean over a part's images, with its graph. logits: (N, K) of the images that it was taken at."""

    loss: Tensor
    logits: Tensor


class Robust(nn.Module):
    """The loss of a part of a classifier's batch.

    replays: gradient steps on each batch, all of the same iteration.
    validation: attack for the averaged network's robust accuracy on up to `val_images` of val; None: it is not measured.
    """

    replays: int = 1
    validation: PGD | None = None
    val_images: int = 0

    def loss(self, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> LossOutput:
        """The loss of one part of a batch.

        Args:
            network: image -> logits (N, K), in training mode.
            image: (N, C, H, W) in [-1, 1]. target: (N, K) class probabilities, with label smoothing.
            draws: the source of all random numbers of this part.
        """
        raise TypeError(f"{type(self).__name__} must define loss(network, image, target, draws)")


def cross_entropy_output(network: nn.Module, image: Tensor, target: Tensor) -> LossOutput:
    """Cross-entropy of `network` on images (N, C, H, W) with class probabilities (N, K)."""
    logits = network(image)
    return LossOutput(cross_entropy(logits, target), logits)
