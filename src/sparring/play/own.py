"""An image of a visitor's own, bound to the networks that it was made for and asked of."""

from dataclasses import dataclass

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.play.gan import Gan


@dataclass(frozen=True)
class Own:
    """A visitor's image, as the networks of these runs take it.

    Args:
        image: (1, C, H, W) uint8. run: of the generator. classifier: its run; None: the GAN's own, or none.
        answer: name of the class that the classifier takes it for; None without one.
        latent: (1, L) of that generator, once it was searched.
    """

    image: Tensor
    run: str
    classifier: str | None
    answer: str | None
    latent: Tensor | None = None

    def label(self, gan: Gan) -> int | None:
        """The class to draw it as; None for a generator without classes.

        Raises:
            ConfigError: nobody said which class it is, or the generator has none of that name.
        """
        if not gan.class_names:
            return None
        if self.answer is None:
            raise ConfigError(
                f"{gan.path.name} draws by class, and nothing says which one your image is: choose a classifier in the tab Play, "
                "and give the image again."
            )
        if self.answer not in gan.class_names:
            raise ConfigError(
                f"{gan.path.name} draws no class {self.answer}, which the classifier takes your image for; choose another "
                "classifier in the tab Play, and give the image again."
            )
        return gan.class_names.index(self.answer)


def current(own: Own | None, run: str, classifier: str | None) -> Own:
    """The visitor's image, if it was given to these networks.

    Raises:
        ConfigError: there is none, or other networks were chosen since.
    """
    if own is None:
        raise ConfigError("There is no image yet: upload or draw one.")
    if (own.run, own.classifier) != (run, classifier):
        raise ConfigError(
            "Other networks were chosen in the tab Play since your image came: upload it again, or ask about the drawing again."
        )
    return own
