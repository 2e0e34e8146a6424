"""A setting of a training that a study varies, and the values that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass

SHORT = {"generator_optimizer": "G", "discriminator_optimizer": "D", "optimizer": "lr"}


@dataclass(frozen=True)
class Axis:
    """One optimizer of the recipe and the rates that it is tried at, or another setting and its values, ascending.

    Args:
        name: of the optimizer below `model`, such as "generator_optimizer", or one of OPTIONS.
        rates: values, each above 0 (`beta1`: from 0).
        own: the value of the recipe itself.
        optimizers: with betas, and the second of each: what `beta1` changes.
    """

    name: str
    rates: tuple[float, ...]
    own: float
    optimizers: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> str:
        """The setting on the command line of a training; one of them, where there are several."""
        return OPTIONS[self.name].key if self.name in OPTIONS else f"model.{self.name}.lr"

    @property
    def setting(self) -> str:
        """The setting of the study that gives its values."""
        return f"study.options.{self.name}" if self.name in OPTIONS else f"study.rates.{self.name}"

    @property
    def listed(self) -> bool:
        """Whether the values are all that there are, and not the ends of a range."""
        return self.name in OPTIONS and OPTIONS[self.name].listed

    @property
    def short(self) -> str:
        """In names of cells: G, D, lr, or the optimizer's name."""
        return (
            OPTIONS[self.name].short
            if self.name in OPTIONS
            else SHORT.get(self.name, self.name.removesuffix("_optimizer"))
        )

    @property
    def words(self) -> str:
        """In tables."""
        if self.name in OPTIONS:
            return OPTIONS[self.name].words
        player = self.name.removesuffix("optimizer").rstrip("_").replace("_", " ")
        return f"learning rate of the {player}" if player else "learning rate"

    def iterations(self, value: float) -> float:
        """Iterations over those of the recipe itself, so that every training sees as many images."""
        return self.own / value if self.name == "batch_size" else 1.0

    def overrides(self, value: float) -> list[str]:
        """Of a training at a value."""
        if self.name == "beta1":
            # both with a point: 0 would be an integer, and torch takes two floats
            return [f"model.{name}.betas=[{float(value)},{float(second)}]" for name, second in self.optimizers]
        return [f"{self.key}={value:g}"]


@dataclass(frozen=True)
class Option:
    """A setting beside the learning rates that a study may vary. listed: see `Axis`. needs: what has it, in words."""

    key: str
    short: str
    words: str
    needs: str
    listed: bool = False


OPTIONS: Mapping[str, Option] = {
    "beta1": Option("model.generator_optimizer.betas", "b", "beta1", "optimizer with betas, such as adam", listed=True),
    "batch_size": Option("data.batch_size", "n", "images in a batch", "batch", listed=True),
    "ema_half_life": Option("model.ema.half_life", "ema", "half-life of the average, images", "averaged generator"),
    "r1_gamma": Option(
        "model.regularizer.r1.gamma", "r1.", "gamma of R1", """r1 penalty: add 'train=["model/regularizer=[r1]"]'"""
    ),
}
