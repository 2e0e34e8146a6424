"""The latent space of a GAN's run, with a classifier beside it."""

from collections.abc import Callable

from torch import Tensor

from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.task import check_same_task
from sparring.core.types import TrainedNetwork
from sparring.direction.shared.space import Space
from sparring.explanation.settings import ExplainSettings, asked_class
from sparring.model.generator.base import StyleGenerator
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Runs


def space_of(settings: ExplainSettings, trained: TrainedGenerator, classifier: TrainedNetwork | None) -> Space:
    """The space of the settings: styles where the generator has them, or latents.

    Raises:
        ConfigError: styles of a generator that has none, or one class of a generator that knows none.
    """
    network = trained.network.to(settings.device).eval().requires_grad_(False)
    styled = isinstance(network, StyleGenerator)
    if settings.space == "w" and not styled:
        raise ConfigError("space=w asks for styles and this generator has none (stylegan2 has); give space=z or auto.")
    label = None
    if settings.label is not None:
        if trained.num_classes is None:
            raise ConfigError(
                f"label={settings.label} asks for a class, but this generator was trained without labels; leave label out."
            )
        label = asked_class(settings.label, trained.class_names, key="label")
    logits: Callable[[Tensor], Tensor] | None = None
    names: tuple[str, ...] = ()
    if classifier is not None:
        logits, names = classifier.network.to(settings.device), classifier.class_names
    styles = styled if settings.space == "auto" else settings.space == "w"
    return Space(network, trained.latent_dim, trained.num_classes, label, logits, styles, settings.device, names)


def classifier_beside(settings: ExplainSettings, trained: TrainedGenerator, runs: Runs) -> TrainedNetwork | None:
    """The classifier of `classifier=<run>`, or the one in the GAN's own run, or None.

    Raises:
        DataError: it sees other images than the generator draws. CheckpointError: the named run holds none.
    """
    if settings.classifier is None:
        try:
            return runs.classifier(settings.run, checkpoint=settings.checkpoint)
        except CheckpointError:
            return None
    loaded = runs.classifier(settings.classifier)
    data = runs.open(settings.run).config["data"]
    wanted = type(loaded.task)(data["channels"], data["image_size"], loaded.class_names)
    check_same_task(
        f"classifier={settings.classifier}", loaded.task, other=f"run={settings.run}", wanted=wanted,
        needs="give a classifier",
    )  # fmt: skip
    return loaded
