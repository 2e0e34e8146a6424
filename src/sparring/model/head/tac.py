"""Twin auxiliary classifiers (Gong et al. 2019, "Twin auxiliary classifiers GAN")."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.model.head.base import Head
from sparring.model.head.shared.linear import LinearHead
from sparring.model.step.views import DiscriminatorOutput


class TwinAuxiliary:
    """A classifier of real images and its twin of generated ones; G helps the first and fools the twin.

    D: d_weight * (CE(C(x), y) + CE(T(G(z, y)), y)). G: g_weight * (CE(C(G(z, y)), y) - CE(T(G(z, y)), y)).
    The twin's term removes AC-GAN's reward for images that are easy to classify.

    Args:
        d_weight, g_weight: of the class terms in D's and in G's loss.
    """

    conditional = True

    def __init__(self, *, num_classes: int, d_weight: float, g_weight: float) -> None:
        self.num_classes, self.d_weight, self.g_weight = num_classes, d_weight, g_weight

    def make(self, features: int) -> Head:
        return _Twins(features, self)


class _Twins(LinearHead):
    classifies = True

    def __init__(self, features: int, settings: TwinAuxiliary) -> None:
        super().__init__(features)
        self.classifier = nn.Linear(features, settings.num_classes)
        self.twin = nn.Linear(features, settings.num_classes)
        self.d_weight, self.g_weight = settings.d_weight, settings.g_weight

    def class_logits(self, features: Tensor) -> Tensor:
        return self.classifier(features)

    def discriminator_terms(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {
            "loss/class_real": self.d_weight * _entropy(self.classifier, real),
            "loss/class_twin": self.d_weight * _entropy(self.twin, fake),
        }

    def generator_terms(self, fake: DiscriminatorOutput) -> dict[str, Tensor]:
        return {"loss/class_generator": self.g_weight * (_entropy(self.classifier, fake) - _entropy(self.twin, fake))}


def _entropy(classifier: nn.Module, output: DiscriminatorOutput) -> Tensor:
    return cross_entropy(classifier(output.features), output.label, reduction="none")
