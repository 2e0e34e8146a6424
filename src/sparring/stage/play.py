"""`python play.py run=logs/train/<run>`: trained networks to play with in the browser.

conf/play.yaml says what each key means.
"""

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sparring.config.compose import searchpath
from sparring.core.errors import ConfigError
from sparring.core.program import shown
from sparring.core.progress import elsewhere
from sparring.core.terminal import say
from sparring.play.settings import PlaySettings
from sparring.play.studio import Studio
from sparring.play.training import Trainings
from sparring.trained.runs import Runs


def play(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Serve the playground until it is stopped by a signal; writes nothing but the trainings that visitors start.

    Raises:
        CheckpointError: a run that cannot be used. ConfigError: a setting that does not fit, or Gradio is missing.
        DataError: a classifier of other images than the generator's.
    """
    typed = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    settings, runs = PlaySettings.of(config, [*typed, *searchpath()]), Runs.of(config)
    studio = Studio(settings, runs)
    gan = studio.gan(settings.run, settings.classifier)
    judge = studio.judge(settings.run, settings.classifier)
    if settings.enhancer is not None:
        studio.enhancer(settings.enhancer)
    try:
        from sparring.play.page.app import build, serve
    except ImportError as error:
        raise ConfigError(
            f"the playground needs Gradio, which cannot be imported ({error}): pip install 'gradio>=6.31,<7' (the extra `play`)."
        ) from error
    trainings = Trainings(settings.log_dir, settings.cache_dir)
    say(f"Generator: {shown(gan.path)}" + ("" if judge is None else f", classifier: {shown(judge.path)}"))
    with elsewhere():  # a server has nothing to say about how far it is
        try:
            serve(build(studio, trainings), settings)
        finally:
            trainings.stop()
    return {}
