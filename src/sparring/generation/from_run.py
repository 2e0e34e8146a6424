"""The sampler that a `generate.py` run asks for."""

from sparring.generation.batch_norm import choose_statistics
from sparring.generation.sampler import Sampler, class_rule
from sparring.generation.settings import GenerateSettings
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
        sampling=settings.sampling,
        discriminator=None if trained.discriminator is None else trained.discriminator.to(settings.device),
    )
    choose_statistics(network, settings.batch_norm, sampler.players)
    return sampler
