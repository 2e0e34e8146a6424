"""Feature matching in G's loss (Salimans et al. 2016, "Improved techniques for training GANs", section 3.1)."""

from typing import ClassVar

from torch import Tensor

from sparring.core.distributed import gather
from sparring.core.errors import ConfigError
from sparring.model.regularizer.base import Regularizer
from sparring.model.step import k_plus_one
from sparring.model.step.recipe import Recipe
from sparring.model.step.views import GeneratorView


class FeatureMatching(Regularizer):
    """weight * distance between the mean features f of real and of generated images, f the input of D's head.

    The means are over the images of all devices.

    Args:
        norm: "l2", |E f(x) - E f(G(z))|^2 (Salimans et al.), or "l1", the mean over the features of |E f(x) - E f(G(z))|,
            which goes with the multi-hinge head at weight 1 (Kavalerov et al. 2021).

    Raises:
        ConfigError: another norm.
    """

    terms = frozenset({"generator"})
    compares = True
    NORMS: ClassVar = {
        "l1": lambda real, fake: (real.mean(0) - fake.mean(0)).abs().mean(),
        "l2": k_plus_one.feature_matching,
    }

    def __init__(self, *, weight: float, norm: str, interval: int) -> None:
        super().__init__(interval=interval)
        if norm not in self.NORMS:
            raise ConfigError(f"model.regularizer.feature_matching.norm={norm} must be l1 or l2.")
        self.weight, self.norm = weight, norm

    def check(self, recipe: Recipe) -> None:
        recipe.refuse_parts("regularizer", self)

    def generator(self, view: GeneratorView) -> Tensor:
        assert view.real is not None
        distance: Tensor = self.NORMS[self.norm](gather(view.real.features), gather(view.fake.features))
        return self.weight * distance
