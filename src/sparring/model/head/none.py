"""No label: one linear unit."""

from sparring.model.head.base import Head
from sparring.model.head.shared.linear import LinearHead


class UnconditionalHeadMaker:
    """An unconditional discriminator."""

    conditional = False

    def make(self, features: int) -> Head:
        return LinearHead(features)
