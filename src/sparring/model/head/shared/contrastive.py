"""What heads share that compare the images of a batch with each other and with a proxy of each class."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparring.core.distributed import gather, own_rows
from sparring.model.head.none import LinearHead
from sparring.model.step.recipe import Recipe
from sparring.model.step.views import DiscriminatorOutput


class ContrastiveHead(LinearHead):
    """A linear logit; a unit vector per image and per class whose agreement is asked of real images in D's loss and of
    generated ones in G's. Images are compared with those of all devices.
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
        """By the classes' proxies, as if no other image were there."""
        return normalize(self.embed(features)) @ normalize(self.proxy.weight).T / self.temperature

    def discriminator_terms(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {"loss/class_real": self.d_weight * self._contrast(real)}

    def generator_terms(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {"loss/class_generator": self.g_weight * self._contrast(fake)}

    def _contrast(self, judged: DiscriminatorOutput) -> Tensor:
        own, proxy = normalize(self.embed(judged.features)), normalize(self.proxy(judged.label))
        whole, label = gather(own), gather(judged.label)
        itself = own_rows(torch.eye(len(whole), dtype=torch.bool, device=own.device))
        same_class = judged.label[:, None] == label[None]
        return self.contrast(own, proxy, Others(own @ whole.T, same_class & ~itself, ~same_class))


class ContrastiveSettings(Protocol):
    """What the leaves have in common. d_weight, g_weight: of the class loss in the two players' losses."""

    num_classes: int
    embedding_dim: int
    d_weight: float
    g_weight: float


class Others(NamedTuple):
    """The batch of all devices as each of this device's N images sees it, (N, M) each.

    similarity: inner products of unit vectors. friend: other images of the same class. stranger: images of other classes.
    """

    similarity: Tensor
    friend: Tensor
    stranger: Tensor
