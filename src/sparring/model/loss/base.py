"""What the adversarial step expects of a loss."""

from typing import Protocol

from torch import Tensor


class Loss(Protocol):
    """Two pure functions of logits, each (N,) -> (N,), unreduced.

    pairs: the loss compares real image i with generated image i. The step then gives both the same label, and hands
        the generator's step fresh real images too.
    """

    pairs: bool

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor: ...

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor: ...
