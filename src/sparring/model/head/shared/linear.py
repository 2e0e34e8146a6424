"""The adversarial logit as one linear unit, the base of heads that add class losses."""

from torch import Tensor, nn

from sparring.model.head.base import Head


class LinearHead(Head):
    """One linear unit; the label is ignored."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        return self.linear(features).squeeze(1)
