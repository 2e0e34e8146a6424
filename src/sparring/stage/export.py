"""`python export.py run=logs/train/<run>`: the networks of a run as files that PyTorch alone opens, with a card.

conf/export.yaml says what each key means.
"""

import json
import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError
from sparring.export.card import card, description
from sparring.export.networks import portable
from sparring.export.program import write_program
from sparring.run.environment import config_hash, environment
from sparring.run.status import recorded
from sparring.trained.runs import Runs


def export(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Export every network of `config.run` that is of use outside of it; returns the content of result.json.

    Files: generator.pt2, classifier.pt2, enhancer.pt2 (what the run holds), config.json, README.md.

    Raises:
        CheckpointError: `config.run` is no finished run, or holds no such network.
        ConfigError: a network that cannot be exported.
        DiskError: the files cannot be written.
    """
    with recorded(run_dir) as run:
        started = time.perf_counter()
        trained = Runs.of(config).model(str(config.run), checkpoint=config.checkpoint)
        ended = trained.run.result()
        if "metrics" not in ended:
            raise CheckpointError(
                f"{trained.run.path} has not finished, so there is nothing to say of its quality; finish it first."
            )
        networks = portable(trained)
        files = {each.name: run.path / f"{each.name}.pt2" for each in networks}
        differences = {
            each.name: write_program(each, files[each.name], tolerance=config.tolerance) for each in networks
        }
        weights = {name: trained.fact(name) for name in ("iteration", "images_seen")}
        content = description(
            networks, name=trained.run.path.name, settings=trained.settings, result=ended, weights=weights
        )
        write_atomic(run.path / "config.json", (json.dumps(content, indent=2) + "\n").encode())
        write_atomic(run.path / "README.md", card(content, ended).encode())
        result: dict[str, Any] = {
            "verb": "export",
            "name": str(config.name),
            "config_hash": config_hash(config),
            "data": {"fingerprints": trained.fact("fingerprints")},
            "metrics": {},
            "files": {name: file.name for name, file in files.items()} | {"card": "README.md", "config": "config.json"},
            "differences": differences,
            "cost": {"seconds": round(time.perf_counter() - started, 2)},
            "environment": environment(),
        }
        run.write_result(result)
        run.write_status("finished", f"{len(networks)} networks", 0, {}, None)
    return result
