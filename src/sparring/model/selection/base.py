"""The base of rules that select the generated images that G learns from."""

from torch import Tensor

from sparring.model.step.recipe import Recipe


class Selection:
    """(losses (N,), logits (N,), iteration) -> G's adversarial loss, 0-d."""

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""

    def __call__(self, losses: Tensor, logits: Tensor, iteration: int) -> Tensor:
        """G's adversarial loss from the losses (N,) and D's logits (N,) of generated images in one of its iterations."""
        raise TypeError(f"{type(self).__name__} must define __call__(losses, logits, iteration)")
