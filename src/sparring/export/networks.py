"""The networks of a run that can leave it: what each takes and gives, in words for others and as tensors to trace it with."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.core.errors import CheckpointError
from sparring.model.restorer import Restorer
from sparring.run.weights import content_hash
from sparring.trained.enhancer import enhancer_of
from sparring.trained.model import TrainedModel
from sparring.trained.networks import classifier_of, generator_of

ROWS = 4  # of the tensors that a network is traced with; any number is taken afterwards
Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Portable:
    """A network in eval mode on the CPU, float32, weights frozen.

    Args:
        name: generator, classifier or enhancer.
        inputs: `ROWS` rows of everything that it takes.
        takes, gives: argument or result -> shape, type and range.
        sha256: of its weights.
    """

    name: str
    network: nn.Module
    inputs: Inputs
    takes: Mapping[str, str]
    gives: Mapping[str, str]
    sha256: str


def portable(trained: TrainedModel) -> list[Portable]:
    """Every network of a run that is of use outside of it: the averaged generator, the classifier, the enhancer.

    Raises:
        CheckpointError: the run has none of them, or its weights do not fit its settings.
    """
    networks = [make(trained) for holds, make in _KINDS if holds(trained)]
    if not networks:
        raise CheckpointError(
            f"{trained.run.path} holds no generator, classifier or enhancer that could leave it; give the directory of a "
            "training run of a GAN, a classifier or a restorer."
        )
    return networks


def _holds_classifier(trained: TrainedModel) -> bool:
    head = getattr(getattr(trained.model, "discriminator", None), "head", None)
    return hasattr(trained.model, "classifier") or bool(getattr(head, "classifies", False))


def _generator(trained: TrainedModel) -> Portable:
    found = generator_of(trained, "ema", checkpoint="last")
    network = found.network.requires_grad_(False).to(torch.float32)
    classes = len(found.class_names)
    label = f"(N,) int64, 0 to {classes - 1}: the class" if classes else "(N,) int64, without meaning: give zeros"
    inputs = (torch.randn(ROWS, found.latent_dim), torch.arange(ROWS) % max(classes, 1))
    takes = {"latent": f"(N, {found.latent_dim}) float32, independent standard normal numbers", "label": label}
    return Portable(
        "generator", network, inputs, takes, {"image": f"{_image(trained)}, -1 to 1"}, found.origin["generator_sha256"]
    )


def _classifier(trained: TrainedModel) -> Portable:
    found = classifier_of(trained)
    task = found.task
    inputs = (torch.rand(ROWS, task.channels, task.image_size, task.image_size) * 2 - 1,)
    gives = {"logits": f"(N, {len(task.class_names)}) float32; softmax gives the probabilities of the classes"}
    takes = {"image": f"{_image(trained)}, pixels scaled from 0 .. 255 to -1 .. 1"}
    return Portable("classifier", found.network, inputs, takes, gives, content_hash(found.network.state_dict()))


def _enhancer(trained: TrainedModel) -> Portable:
    found = enhancer_of(trained)
    task = found.task
    original = torch.rand(ROWS, task.channels, task.image_size, task.image_size) * 2 - 1
    degraded = found.degradation(original, seed=0, index=torch.arange(ROWS))
    takes = {"image": f"(N, {', '.join(map(str, degraded.shape[1:]))}) float32, -1 to 1"}
    gives = {"image": f"{_image(trained)}, -1 to 1"}
    return Portable("enhancer", found.network, (degraded,), takes, gives, content_hash(found.network.state_dict()))


def _image(trained: TrainedModel) -> str:
    data = trained.settings["data"]
    return f"(N, {data['channels']}, {data['image_size']}, {data['image_size']}) float32"


_KINDS = (
    (lambda trained: trained.model.draws_images, _generator),
    (_holds_classifier, _classifier),
    (lambda trained: isinstance(trained.model, Restorer), _enhancer),
)
