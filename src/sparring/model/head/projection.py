"""Projection discriminator (Miyato and Koyama 2018, equation 4)."""

from torch import Tensor, nn

from sparring.model.head.base import Head


class Projection:
    """The logit is linear(h) + <embedding(label), h>."""

    conditional = True

    def __init__(self, *, num_classes: int) -> None:
        self.num_classes = num_classes

    def make(self, features: int) -> Head:
        return _Projection(features, self.num_classes)


class _Projection(Head):
    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.embedding = nn.Embedding(num_classes, features)
        # So that the two terms of the logit start at comparable scales, whatever the number of features.
        nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        return self.linear(features).squeeze(1) + (self.embedding(label) * features).sum(1)
