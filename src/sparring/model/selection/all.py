"""G learns from all images of a batch."""

from torch import Tensor

from sparring.model.selection.base import Selection


class All(Selection):
    """The mean over all generated images."""

    def __call__(self, losses: Tensor, logits: Tensor, iteration: int) -> Tensor:
        return losses.mean()
