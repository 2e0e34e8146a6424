"""How a discriminator ends: from features and a label to a logit."""

from typing import Protocol

from torch import nn


class HeadMaker(Protocol):
    """What a leaf of `model/head` is.

    conditional: whether the logit depends on the label that is passed in.
    """

    conditional: bool

    def make(self, features: int) -> nn.Module:
        """Module (features (N, F), label (N,)) -> logits (N,)."""
        ...
