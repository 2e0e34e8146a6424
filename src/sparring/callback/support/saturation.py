"""Whether an augmentation that adapts (ADA, APA) has come to the end of what it can do against overfitting."""

from sparring.model.augment.base import Adaptive
from sparring.model.game import Game


class Saturation:
    """Checks in a row at which p was 1, its upper limit.

    p follows how sure D is of real images (Karras et al. 2020, section 3). At 1 every image is augmented in every way; where D
    stays too sure even so, it overfits beyond what augmentation can undo.

    Args:
        checks: in a row that are trouble. None: none are.
    """

    def __init__(self, checks: int | None) -> None:
        self.checks, self.at_limit = checks, 0

    def trouble(self, module: Game, every: int) -> str:
        """Why this is trouble, as a phrase; empty where it is none, and where p is not there or does not adapt.

        Args:
            every: iterations between two checks.
        """
        augment = getattr(module, "augment", None)
        if self.checks is None or not isinstance(augment, Adaptive) or not augment.adapts:
            return ""
        self.at_limit = self.at_limit + 1 if float(augment.p) >= 1 else 0
        if self.at_limit < self.checks:
            return ""
        long = f"{self.at_limit * every} iterations"
        return f"the augmentation's p has been at its limit of 1 for {long}: the discriminator is too sure of real images even so"
