"""The sampler that a `generate.py` run asks for."""

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.generation.batch_norm import choose_statistics
from sparring.generation.directions import (
    Step,
    classifier_for,
    moved_by,
    space_of_generator,
    steps_of,
    ways_asked_for,
    ways_of,
)
from sparring.generation.edited import EditedSampling
from sparring.generation.sampler import Sampler, class_rule
from sparring.generation.settings import GenerateSettings
from sparring.sampling.base import Sampling
from sparring.sampling.plain import PlainSampling
from sparring.trained.networks import TrainedGenerator

_UNUSED_CLASSIFIER = (
    "classifier= finds the directions 'move=[boundary_1:2]' alone: give such a move too, or leave it out."
)


def sampler_of(trained: TrainedGenerator, settings: GenerateSettings) -> Sampler:
    """Images of a trained generator as an iterable.

    The generator is moved to the device, and its BatchNorm changed where the settings ask for other statistics.

    Raises:
        ConfigError: a setting out of range, or one that this generator cannot follow.
    """
    network = trained.network.to(settings.device)
    sampler = Sampler(
        network,
        latent_dim=trained.latent_dim,
        num_classes=trained.num_classes,
        count=settings.count,
        seed=settings.seed,
        label=class_rule(settings.label, trained.class_names),
        class_prior=trained.class_prior,
        truncation=settings.truncation,
        batch_size=settings.batch_size,
        device=settings.device,
        sampling=edited(trained, settings),
        discriminator=None if trained.discriminator is None else trained.discriminator.to(settings.device),
    )
    choose_statistics(network, settings.batch_norm, sampler.players)
    return sampler


def edited(trained: TrainedGenerator, settings: GenerateSettings) -> Sampling:
    """How images come from latents: as `sampling` says, or by the edits that `toward` and `move` ask for.

    Raises:
        ConfigError: both, walks besides, a direction that there is not, or a setting that would change nothing.
    """
    _check_used(settings)
    if settings.toward is None and not settings.move:
        return settings.sampling
    if not isinstance(settings.sampling, PlainSampling):
        kind = type(settings.sampling).__name__
        raise ConfigError(f"toward= and move= change given latents, and {kind} chooses its own: use sampling=plain.")
    if settings.walks.interpolate is not None or settings.walks.morph is not None:
        raise ConfigError(
            "interpolate= and morph= walk between latents as they are drawn: leave toward= and move= out."
        )
    share = 0.0 if settings.share is None else settings.share  # without another seed there is no way to go
    return EditedSampling(toward=settings.toward, share=share, step=_step(trained, settings))


def _step(trained: TrainedGenerator, settings: GenerateSettings) -> Tensor | None:
    """(S,) the sum of the moves; None where there are none."""
    if not settings.move:
        return None
    asked = ways_asked_for(settings.move, ways_of(settings.direction, settings.runs))
    classifier = None
    if any(way.needs_classifier for way in asked.values()):
        classifier = classifier_for(settings.run, settings.classifier, settings.runs, checkpoint=settings.checkpoint)
    elif settings.classifier is not None:
        raise ConfigError(_UNUSED_CLASSIFIER)
    space = space_of_generator(trained, classifier, device=settings.device)
    steps: dict[str, Step] = {}
    for name, way in asked.items():
        steps |= steps_of(name, way, space)
    return moved_by(settings.move, steps)


def _check_used(settings: GenerateSettings) -> None:
    """Raises ConfigError for a setting that would change nothing."""
    if settings.share is not None and settings.toward is None:
        raise ConfigError(
            f"share={settings.share} is of the way to another seed: give toward=<seed> too, or leave it out."
        )
    if not settings.move and settings.classifier is not None:
        raise ConfigError(_UNUSED_CLASSIFIER)
    if not settings.move and "_target_" in settings.direction:
        way = str(settings.direction["_target_"]).split(".")[-2]
        raise ConfigError(f"direction={way} is what move= follows: give 'move=[{way}_1:2]' too, or leave it out.")
