"""StyleGAN2-ADA's projection: the class embedding goes through a mapping network (Karras et al. 2020, appendix D)."""

from torch import Tensor, nn

from sparring.model.head.base import Head
from sparring.model.layer.style import Mapping


class MappedProjection:
    """The logit is <linear(h), map(embedding(label))> / sqrt(embedding_dim).

    Made for `discriminator=stylegan2`, in which embedding and linear layer get the equalised learning rate too.

    Args:
        embedding_dim: of the class embedding.
        layers: of the mapping network, which learns at a hundredth of the optimizer's rate (8 in the paper).
    """

    conditional = True

    def __init__(self, *, num_classes: int, embedding_dim: int, layers: int) -> None:
        self.num_classes, self.embedding_dim, self.layers = num_classes, embedding_dim, layers

    def make(self, features: int) -> Head:
        return _MappedProjection(features, self.num_classes, self.embedding_dim, self.layers)


class _MappedProjection(Head):
    def __init__(self, features: int, num_classes: int, embedding_dim: int, layers: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, embedding_dim)
        self.embedding = nn.Embedding(num_classes, embedding_dim)
        self.mapping = Mapping(embedding_dim, embedding_dim, layers)

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        projected, direction = self.linear(features), self.mapping(self.embedding(label))
        return (projected * direction).sum(dim=1) * projected.shape[1] ** -0.5
