"""`python enhance.py run=logs/train/<run>`: images made better by a trained enhancer, and what that is worth.

conf/enhance.yaml says what each key means.
"""

import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.enhancement.own_data import enhance_own_data
from sparring.enhancement.own_files import enhance_files
from sparring.enhancement.settings import EnhanceSettings
from sparring.report.enhance import enhance_report
from sparring.report.logged import logged
from sparring.run.environment import config_hash, environment
from sparring.run.status import recorded
from sparring.trained.runs import Runs


def enhance(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Enhance the images that `config` names; returns the content of result.json.

    Files: images/comparison.png, the enhanced images with their manifest, result.json, report.html.

    Raises:
        CheckpointError: `config.run` is no run of a restorer or SRGAN.
        DataError: images that cannot be read, or are not those of the run's data.
        ConfigError: settings that exclude each other.
    """
    with recorded(run_dir) as run, logged(config, run):
        started = time.perf_counter()
        runs, settings = Runs.of(config), EnhanceSettings.of(config)
        trained = runs.enhancer(settings.run, checkpoint=settings.checkpoint)
        if settings.images is None:
            sections = enhance_own_data(settings, trained, runs, run)
        else:
            sections = enhance_files(settings, trained, run)
        count = sections.pop("count")
        result: dict[str, Any] = {
            "verb": "enhance",
            "name": config.name,
            "config_hash": config_hash(config),
            **sections,
            "cost": {"seconds": round(time.perf_counter() - started, 2), "images": count},
            "environment": environment(),
        }
        run.write_result(result)
        enhance_report(run.path)
        run.write_status("finished", f"{count} images", 0, {}, None)
    return result
