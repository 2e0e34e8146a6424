"""The sampler that a `generate.py` run asks for."""

from sparring.core.errors import ConfigError
from sparring.generation.batch_norm import choose_statistics
from sparring.generation.directions import classifier_for, moved_by, named_steps, space_of_generator, ways_of
from sparring.generation.edited import EditedSampling
from sparring.generation.sampler import Sampler, class_rule
from sparring.generation.settings import GenerateSettings
from sparring.sampling.base import Sampling
from sparring.sampling.plain import PlainSampling
from sparring.trained.networks import TrainedGenerator


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
        ConfigError: both, walks besides, or a direction that there is not.
    """
    if settings.toward is None and not settings.move:
        return settings.sampling
    if not isinstance(settings.sampling, PlainSampling):
        kind = type(settings.sampling).__name__
        raise ConfigError(f"toward= and move= change given latents, and {kind} chooses its own: use sampling=plain.")
    if settings.walks.interpolate is not None or settings.walks.morph is not None:
        raise ConfigError(
            "interpolate= and morph= walk between latents as they are drawn: leave toward= and move= out."
        )
    step = None
    if settings.move:
        classifier = classifier_for(settings.run, settings.classifier, settings.runs, checkpoint=settings.checkpoint)
        space = space_of_generator(trained, classifier, device=settings.device)
        wanted = {key.rpartition("_")[0] for key in settings.move}
        step = moved_by(settings.move, named_steps(ways_of(settings.direction, settings.runs, only=wanted), space))
    return EditedSampling(toward=settings.toward, share=settings.share, step=step)
