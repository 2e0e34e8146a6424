"""What the generator's step expects of the rule that says which generated images it learns from."""

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from sparring.model.gan import GAN


class Selection:
    """(losses (N,), logits (N,), iteration) -> G's loss, a number."""

    def check(self, gan: "GAN") -> None:
        """Raise ConfigError where it cannot work with the rest of `gan`."""

    def __call__(self, losses: Tensor, logits: Tensor, iteration: int) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define __call__(losses, logits, iteration)")
