"""No defence."""

from torch import nn

from sparring.defence.base import Defence, Prior


class NoDefence(Defence):
    """The classifier unchanged."""

    def defend(self, network: nn.Module, prior: Prior | None) -> nn.Module:
        return network
