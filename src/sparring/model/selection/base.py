"""What the generator's step expects of the rule that says which generated images it learns from."""

from torch import Tensor

from sparring.model.step.recipe import Recipe


class Selection:
    """(losses (N,), logits (N,), iteration) -> G's loss, a number."""

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""

    def __call__(self, losses: Tensor, logits: Tensor, iteration: int) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define __call__(losses, logits, iteration)")
