"""Multi-hinge (Kavalerov et al. 2021, "cGANs with multi-hinge loss"; margin of Crammer and Singer 2001)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from sparring.model.head.base import Head
from sparring.model.head.shared.linear import LinearHead
from sparring.model.step.views import DiscriminatorOutput


class MultiHinge:
    """A linear logit, and a classifier of K + 1 classes, the last of which means "generated".

    With scores s(x) and h(x, k) = max(0, 1 - s_k(x) + max over the other classes of s(x)):
    D: d_weight * (h(x, y) + h(G(z, y), K)); G: g_weight * h(G(z, y), y).
    The linear logit keeps its adversarial loss (model/loss), so that the head works with every loss. The paper's first version
    has these terms and feature matching alone (model/regularizer=[feature_matching]), its second a projection too.

    Args:
        d_weight, g_weight: of the class terms in D's and in G's loss.
    """

    conditional = True

    def __init__(self, *, num_classes: int, d_weight: float, g_weight: float) -> None:
        self.num_classes, self.d_weight, self.g_weight = num_classes, d_weight, g_weight

    def make(self, features: int) -> Head:
        return _MultiHinge(features, self)


class _MultiHinge(LinearHead):
    classifies = True

    def __init__(self, features: int, settings: MultiHinge) -> None:
        super().__init__(features)
        self.classifier = nn.Linear(features, settings.num_classes + 1)
        self.d_weight, self.g_weight = settings.d_weight, settings.g_weight
        self.generated = settings.num_classes

    def class_logits(self, features: Tensor) -> Tensor:
        return self.classifier(features)[:, : self.generated]

    def discriminator_terms(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        generated = torch.full_like(fake.label, self.generated)
        return {
            "loss/class_real": self.d_weight * margin(self.classifier(real.features), real.label),
            "loss/class_fake": self.d_weight * margin(self.classifier(fake.features), generated),
        }

    def generator_terms(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {"loss/class_generator": self.g_weight * margin(self.classifier(fake.features), fake.label)}


def margin(scores: Tensor, label: Tensor) -> Tensor:
    """max(0, 1 - score of the label + best other score), from (N, K) and (N,) to (N,)."""
    own = scores.gather(1, label[:, None]).squeeze(1)
    others = scores.scatter(1, label[:, None], -torch.inf).amax(dim=1)
    return relu(1 - own + others)
