"""Auxiliary classifier (Odena et al. 2017, AC-GAN, equations 2 and 3)."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.model.head.base import Head
from sparring.model.head.shared.linear import LinearHead
from sparring.model.step.views import DiscriminatorOutput


class Auxiliary:
    """A linear logit, and a linear classifier whose cross-entropy is added to both players' losses.

    Args:
        d_weight: of the cross-entropy of real images in D's loss.
        fake_weight: of that of generated images in D's loss (1 in the paper, 0 in later work, so that D's classifier does not
            learn from bad images).
        g_weight: of that of generated images in G's loss.
    """

    conditional = True

    def __init__(self, *, num_classes: int, d_weight: float, fake_weight: float, g_weight: float) -> None:
        self.num_classes = num_classes
        self.d_weight, self.fake_weight, self.g_weight = d_weight, fake_weight, g_weight

    def make(self, features: int) -> Head:
        return _Auxiliary(features, self)


class _Auxiliary(LinearHead):
    classifies = True

    def __init__(self, features: int, settings: Auxiliary) -> None:
        super().__init__(features)
        self.classifier = nn.Linear(features, settings.num_classes)
        self.d_weight, self.fake_weight, self.g_weight = settings.d_weight, settings.fake_weight, settings.g_weight

    def class_logits(self, features: Tensor) -> Tensor:
        return self.classifier(features)

    def discriminator_terms(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        terms = {"loss/class_real": self.d_weight * self._entropy(real)}
        if self.fake_weight:
            terms["loss/class_fake"] = self.fake_weight * self._entropy(fake)
        return terms

    def generator_terms(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {"loss/class_generator": self.g_weight * self._entropy(fake)}

    def _entropy(self, output: DiscriminatorOutput) -> Tensor:
        return cross_entropy(self.classifier(output.features), output.label, reduction="none")
