"""Learning from the images themselves."""

from torch import Tensor, nn

from sparring.model.robust.base import Learned, Robust, fitted
from sparring.model.step.draws import Draws


class Plain(Robust):
    """Cross-entropy."""

    def loss(self, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> Learned:
        return fitted(network, image, target)
