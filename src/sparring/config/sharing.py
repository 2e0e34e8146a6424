"""What the settings say of a training that several devices share."""

from omegaconf import DictConfig, OmegaConf

from sparring.core.errors import ConfigError

SHARDED = tuple(
    f"sparring.model.{name}" for name in ("gan.GAN", "classifier.Classifier", "degraded_classifier.DegradedClassifier")
)


def check_sharing(config: DictConfig) -> None:
    """How several devices share a training, and what cannot be divided over them."""
    strategy = OmegaConf.select(config, "trainer.strategy")
    if strategy not in (None, "ddp", "fsdp"):
        raise ConfigError(f"trainer.strategy={strategy} must be ddp or fsdp.")
    if strategy != "fsdp":
        return
    target = str(OmegaConf.select(config, "model._target_"))
    if target.startswith("sparring.") and target not in SHARDED:
        raise ConfigError(
            f"trainer=fsdp divides a generator or a classifier, and model={target.rpartition('.')[2]} is no plain GAN or "
            "classifier; use trainer=ddp."
        )
    if "path_length" in (OmegaConf.select(config, "model.regularizer") or {}):
        raise ConfigError(
            "trainer=fsdp cannot differentiate a generator twice, as model/regularizer=path_length does; use trainer=ddp."
        )
    for key in ("model.reuse_fakes", "speed.compile", "speed.cuda_graphs", "speed.channels_last", "logger.wandb.watch"):
        if (value := OmegaConf.select(config, key)) not in (None, False, "auto"):
            raise ConfigError(f"trainer=fsdp excludes {key}={str(value).lower()}; leave it out, or use trainer=ddp.")
