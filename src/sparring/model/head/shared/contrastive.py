"""The base of heads that compare the images of a batch with each other and with a proxy of each class."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparring.core.distributed import gather, own_rows
from sparring.model.head.shared.linear import LinearHead
from sparring.model.step.recipe import Recipe
from sparring.model.step.views import DiscriminatorOutput


class ContrastiveHead(LinearHead):
    """A linear logit, and a unit embedding per image and per class, compared in D's loss for real images and in G's for
    generated ones. Images are compared with those of all devices.

    Shapes: features (N, F), label (N,) -> logits (N,).
    """

    classifies = True
    temperature: float

    def __init__(self, features: int, settings: "ContrastiveSettings") -> None:
        super().__init__(features)
        self.embed = nn.Linear(features, settings.embedding_dim)
        self.proxy = nn.Embedding(settings.num_classes, settings.embedding_dim)
        self.d_weight, self.g_weight = settings.d_weight, settings.g_weight

    def check(self, recipe: Recipe) -> None:
        recipe.refuse_parts("head", self)

    def contrast(self, own: Tensor, proxy: Tensor, other: "Others") -> Tensor:
        """Loss (N,) of unit vectors `own` (N, E), given their classes' proxies (N, E) and the rest of the batch."""
        raise TypeError(f"{type(self).__name__} must define contrast(own, proxy, other)")

    def class_logits(self, features: Tensor) -> Tensor:
        """Features (N, F) -> logits (N, K): inner products with the classes' proxies, over the temperature."""
        return normalize(self.embed(features)) @ normalize(self.proxy.weight).T / self.temperature

    def discriminator_terms(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {"loss/class_real": self.d_weight * self._contrast(real)}

    def generator_terms(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {"loss/class_generator": self.g_weight * self._contrast(fake)}

    def _contrast(self, output: DiscriminatorOutput) -> Tensor:
        own, proxy = normalize(self.embed(output.features)), normalize(self.proxy(output.label))
        whole, label = gather(own), gather(output.label)
        itself = own_rows(torch.eye(len(whole), dtype=torch.bool, device=own.device))
        same_class = output.label[:, None] == label[None]
        return self.contrast(own, proxy, Others(own @ whole.T, same_class & ~itself, ~same_class))


class ContrastiveSettings(Protocol):
    """Settings that the leaves have in common. d_weight, g_weight: of the class loss in the two players' losses."""

    num_classes: int
    embedding_dim: int
    d_weight: float
    g_weight: float


class Others(NamedTuple):
    """The M images of all devices compared with this device's N images, (N, M) each.

    similarity: inner products of unit vectors. friend: bool, other images of the same class. stranger: bool, images of other
    classes.
    """

    similarity: Tensor
    friend: Tensor
    stranger: Tensor
