"""What is explained: a network as images -> logits, and which logit of each image."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.attribution.base import ROWS
from sparring.attribution.evaluation.faithfulness import Probability, sigmoid_probability, softmax_probability
from sparring.core.errors import CheckpointError, DivergedError
from sparring.core.modules import frozen_eval
from sparring.core.types import TrainedNetwork
from sparring.explanation.settings import LABEL, PREDICTED, ExplainSettings, asked_class
from sparring.model.discriminator.base import Discriminator
from sparring.trained.runs import Runs


@dataclass(frozen=True)
class Subject:
    """A network under explanation.

    Args:
        kind: "classifier" or "discriminator".
        network: images (N, C, H, W) in [-1, 1] -> logits (N, K); on the device, in eval mode, weights frozen.
        loaded: the network as its run has it, with its origin and classes.
        probability: logits (N, K) and target (N,) -> (N,) in [0, 1], what deletion and insertion follow.
    """

    kind: str
    network: nn.Module
    loaded: TrainedNetwork
    probability: Probability

    @property
    def answers(self) -> str:
        """What `probability` is, in words."""
        if self.kind == "classifier":
            return "softmax of the explained class"
        return "sigmoid of the logit (real against generated)"


class ByClass(nn.Module):
    """A discriminator as a network of images alone. Shapes: image (N, C, H, W) -> logits (N, K), one per class of the label."""

    def __init__(self, discriminator: Discriminator, num_classes: int) -> None:
        super().__init__()
        self.discriminator, self.num_classes = discriminator, num_classes

    def forward(self, image: Tensor) -> Tensor:
        features = self.discriminator.features(image)
        labels = (torch.full((len(image),), k, device=image.device) for k in range(self.num_classes))
        return torch.stack([self.discriminator.head(features, label) for label in labels], 1)


def subject_of(settings: ExplainSettings, runs: Runs) -> Subject:
    """The network that the settings ask for; `auto`: the run's classifier, or else its discriminator.

    Raises:
        CheckpointError: the run holds neither, or not the one that was asked for.
    """
    if settings.subject != "discriminator":
        try:
            loaded = runs.classifier(settings.run, checkpoint=settings.checkpoint)
            return Subject("classifier", loaded.network.to(settings.device), loaded, softmax_probability)
        except CheckpointError:
            if settings.subject == "classifier" or not _holds_a_discriminator(settings, runs):
                raise
    loaded = runs.discriminator(settings.run, checkpoint=settings.checkpoint)
    assert isinstance(loaded.network, Discriminator)
    network = ByClass(loaded.network, len(loaded.class_names)).to(settings.device).eval()
    return Subject("discriminator", network, loaded, sigmoid_probability)


def _holds_a_discriminator(settings: ExplainSettings, runs: Runs) -> bool:
    return isinstance(
        getattr(runs.model(settings.run, checkpoint=settings.checkpoint).model, "discriminator", None), Discriminator
    )


def logits_of(network: nn.Module, image: Tensor) -> Tensor:
    """Logits (N, K) float32 of images (N, C, H, W), without a graph.

    Raises:
        DivergedError: they are not finite.
    """
    with torch.no_grad(), frozen_eval(network):
        logits = torch.cat([network(part).float() for part in image.split(ROWS)])
    if not bool(logits.isfinite().all()):
        raise DivergedError("The network's logits are NaN or infinite: its weights are from a run that diverged.")
    return logits


def targets(subject: Subject, explained: str, logits: Tensor, label: Tensor) -> Tensor:
    """(N,) the logit to explain of each image; a discriminator's `predicted` is the one of the label.

    Args:
        logits: (N, K). label: (N,).

    Raises:
        ConfigError: a class that the run does not know.
    """
    if explained == PREDICTED and subject.kind == "classifier":
        return logits.argmax(1)
    if explained in (PREDICTED, LABEL):
        return label
    return torch.full_like(label, asked_class(explained, subject.loaded.class_names, key="explained"))
