"""No defence: the classifier as it was trained."""

from torch import nn

from sparring.defence.base import Defence, Prior


class NoDefence(Defence):
    def defend(self, network: nn.Module, prior: Prior | None) -> nn.Module:
        return network
