"""The latent space of a GAN's run, with a classifier beside it."""

from sparring.core.errors import ConfigError
from sparring.core.types import TrainedNetwork
from sparring.direction.shared.space import Space
from sparring.explanation.settings import ExplainSettings, asked_class
from sparring.generation.directions import classifier_for, space_of_generator
from sparring.model.generator.base import StyleGenerator
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Runs


def space_of(settings: ExplainSettings, trained: TrainedGenerator, classifier: TrainedNetwork | None) -> Space:
    """The space of the settings: styles where the generator has them, or latents.

    Raises:
        ConfigError: styles of a generator that has none, or one class of a generator that knows none.
    """
    if settings.space == "w" and not isinstance(trained.network, StyleGenerator):
        raise ConfigError("space=w asks for styles and this generator has none (stylegan2 has); give space=z or auto.")
    label = None
    if settings.label is not None:
        if trained.num_classes is None:
            raise ConfigError(
                f"label={settings.label} asks for a class, but this generator was trained without labels; leave label out."
            )
        label = asked_class(settings.label, trained.class_names, key="label")
    styles = None if settings.space == "auto" else settings.space == "w"
    return space_of_generator(trained, classifier, device=settings.device, label=label, styles=styles)


def classifier_beside(settings: ExplainSettings, trained: TrainedGenerator, runs: Runs) -> TrainedNetwork | None:
    """The classifier of `classifier=<run>`, or the one in the GAN's own run, or None.

    Raises:
        DataError: it sees other images than the generator draws. CheckpointError: the named run holds none.
    """
    return classifier_for(settings.run, settings.classifier, runs, checkpoint=settings.checkpoint)
