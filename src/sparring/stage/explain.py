"""`python explain.py run=logs/train/<run>`: what a trained network looks at, or what a generator's latents mean.

conf/explain.yaml says what each key means.
"""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.explanation.generator import explain_generator
from sparring.explanation.network import explain_network
from sparring.explanation.settings import ExplainSettings
from sparring.report.explain import explain_report
from sparring.report.logged import logged
from sparring.run.environment import config_hash, environment
from sparring.run.status import recorded
from sparring.trained.runs import Runs


def explain(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Explain the run that `config` names; returns the content of result.json.

    Files: images/attributions.png or images/directions_<way>.png, result.json, report.html.

    Raises:
        CheckpointError: `config.run` is no run of a classifier or GAN, or not of the kind that was asked for.
        DataError: its data is not what it was trained on.
        ConfigError: a class or layer that does not exist, or a method that does not apply.
        DivergedError: the network's logits are not finite.
    """
    with recorded(run_dir) as run, logged(config, run):
        runs, settings = Runs.of(config), ExplainSettings.of(config)
        draws = (
            settings.subject == "auto" and runs.model(settings.run, checkpoint=settings.checkpoint).model.draws_images
        )
        explained = explain_generator if draws or settings.subject == "generator" else explain_network
        result: dict[str, Any] = {
            "verb": "explain",
            "name": config.name,
            "config_hash": config_hash(config),
            **explained(settings, runs, run),
            "environment": environment(),
        }
        run.write_result(result)
        run.write_status("finished", f"{result['cost']['images']} images", 0, {}, None)
        explain_report(run.path)
    return result
