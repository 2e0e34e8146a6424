"""`python explain.py run=logs/train/<run>`: what a trained network looks at, and whether the maps can be believed.

conf/explain.yaml says what each key means. `config.attribution` is one method, or several by name.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.attribution.base import Attribution
from sparring.explanation.attributions import applicable, attributed, table
from sparring.explanation.images import images_of
from sparring.explanation.pictures import attribution_picture
from sparring.explanation.result import attribution_result
from sparring.explanation.sanity import flags_of, sanity_record
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import logits_of, subject_of, targets
from sparring.report.explain import explain_report
from sparring.run.directory import RunDir
from sparring.run.environment import config_hash, environment
from sparring.run.status import recorded
from sparring.trained.runs import Runs


def explain(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Explain the network that `config` names; returns the content of result.json.

    Files: images/attributions.png, result.json, report.html.

    Raises:
        CheckpointError: `config.run` is no run of a classifier or GAN.
        DataError: its data is not what it was trained on.
        ConfigError: a class or layer that does not exist, or a method that does not apply.
        DivergedError: the network's logits are not finite.
    """
    with recorded(run_dir) as run:
        result = _explain(config, run)
        run.write_result(result)
        print(run.report, file=sys.stderr)
        run.write_status("finished", f"{result['cost']['images']} images", 0, {}, None)
        explain_report(run.path)
    return result


def _explain(config: DictConfig, run: RunDir) -> dict[str, Any]:
    started = time.perf_counter()
    runs, settings = Runs.of(config), ExplainSettings.of(config)
    listed = "_target_" not in settings.attribution
    chosen = _methods(settings.attribution, runs, listed=listed)
    subject = subject_of(settings, runs)
    images = images_of(settings, subject.loaded, runs)
    methods, left_out = applicable(chosen, subject, images.image[:1], listed=listed)
    logits = logits_of(subject.network, images.image)
    target = targets(subject, settings.explained, logits, images.label)
    found = attributed(methods, subject, images, target, settings)
    rows = table(found)
    maps = {name: found[name].maps for name in methods}
    sanity = sanity_record(methods, maps, subject, images, target, settings)
    few, names = slice(0, settings.pictured), subject.loaded.class_names
    answers = logits.argmax(1) if subject.kind == "classifier" else target
    titles = [
        f"{names[a]} > {names[b]}" for a, b in zip(images.label[few].tolist(), answers[few].tolist(), strict=True)
    ]
    shown = {name: each.maps[few] for name, each in found.items()}
    attribution_picture(run.images / "attributions.png", images.image[few], shown, titles)
    return {
        "verb": "explain",
        "name": config.name,
        "config_hash": config_hash(config),
        **attribution_result(subject, images, settings, found, rows, sanity, [*left_out, *flags_of(rows, sanity)]),
        "cost": {"seconds": round(time.perf_counter() - started, 2), "images": len(images.label)},
        "environment": environment(),
    }


def _methods(section: Mapping[str, Any], runs: Runs, *, listed: bool) -> Mapping[str, Attribution]:
    """The methods of the section `attribution` by name; one that was chosen alone has the name of its leaf."""
    made = runs.build(section, section="attribution")
    return made if listed else {type(made).__module__.rpartition(".")[2]: made}
