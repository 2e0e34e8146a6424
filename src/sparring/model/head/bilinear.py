"""R3GAN's head: a linear map of the features, compared with an embedding of the class (Huang et al. 2024, the authors' code)."""

from torch import Tensor, nn

from sparring.model.head.base import Head


class Bilinear:
    """The logit is <linear(h), embedding(label)>: without a term that ignores the label, and without biases.

    Args:
        embedding_dim: of the class embedding.
    """

    conditional = True

    def __init__(self, *, num_classes: int, embedding_dim: int) -> None:
        self.num_classes, self.embedding_dim = num_classes, embedding_dim

    def make(self, features: int) -> Head:
        return _Bilinear(features, self.num_classes, self.embedding_dim)


class _Bilinear(Head):
    def __init__(self, features: int, num_classes: int, embedding_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, embedding_dim, bias=False)
        nn.init.kaiming_normal_(self.linear.weight, nonlinearity="linear")
        # The authors' embedding is a linear layer of the one-hot label, with variance 1 / its inputs, over embedding_dim.
        self.embedding = nn.Embedding(num_classes, embedding_dim)
        nn.init.normal_(self.embedding.weight, std=(num_classes * embedding_dim) ** -0.5)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        return (self.linear(features) * self.embedding(label)).sum(dim=1)
