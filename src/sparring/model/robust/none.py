"""Standard training."""

from torch import Tensor, nn

from sparring.model.robust.base import LossOutput, Robust, cross_entropy_output
from sparring.model.step.draws import Draws


class StandardTraining(Robust):
    """Cross-entropy on the images themselves."""

    def loss(self, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> LossOutput:
        return cross_entropy_output(network, image, target)
