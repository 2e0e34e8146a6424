"""`python evaluate.py run=<run>` or `images=<folder> reference=<data set>`: every metric with its protocol and its floor."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.settings import device_named
from sparring.evaluation.measure import Measured, Sides, Subject, measure_all
from sparring.evaluation.metrics import metrics_of
from sparring.evaluation.reference import attach_network
from sparring.evaluation.subject import subject_of
from sparring.metric.features.base import Features
from sparring.metric.suite import check_names
from sparring.run.cost import peak_memory_mb
from sparring.run.directory import RunDir
from sparring.run.environment import config_hash, environment
from sparring.run.status import recorded

SPLITS = ("train", "val", "test")


def evaluate(
    config: DictConfig, run_dir: Path, *, subject: Subject | None = None, hints: bool = True
) -> dict[str, Any]:
    """Measure what `config` names; leaves result.json, report.html and images/neighbours.png in `run_dir`.

    subject: what is measured, where it is already at hand in Python; `config` then names none. hints: whether to print the table
    and where the report is.

    Returns the content of result.json: `metrics` by name, and `records` with all that was measured with them.

    Raises:
        ConfigError, DataError, CheckpointError, DivergedError, DiskError: in one sentence each.
    """
    with recorded(run_dir) as run:
        result = _evaluate(config, run, subject, hints)
        run.write_status("finished", f"{len(result['metrics'])} values", 0, {}, None)
    return result


def _evaluate(config: DictConfig, run: RunDir, subject: Subject | None, hints: bool) -> dict[str, Any]:
    started = time.perf_counter()
    names = check_names(config.metric.names)
    splits = _splits(config.splits)
    subject = subject or subject_of(config)
    features = _features(config, subject)
    cache_dir = Path(config.paths.cache_dir)
    sides = Sides(subject.data, features, cache_dir)
    measured = measure_all(subject, sides, splits=splits, names=names, k=config.metric.k)
    picture = run.images / "neighbours.png"
    measured.draw_neighbours(picture)
    records = measured.records()
    result = {
        "verb": "evaluate",
        "name": config.name,
        "config_hash": config_hash(config),
        "subject": subject.origin,
        "data": {"name": subject.data_config.name, "fingerprints": subject.data.fingerprints()},
        "metrics": {name: each.record() for name, each in metrics_of(records).items()},
        "records": records,
        "discriminator": measured.discriminator,
        "cost": {
            "seconds": round(time.perf_counter() - started, 1),
            "images": subject.count * subject.repeats,
            "peak_memory_mb": peak_memory_mb(device_named(config.device)),
        },
        "environment": environment(),
    }
    run.write_result(result)
    if hints:
        print(measured.text())
    if config.report:
        from sparring.report.evaluate import evaluate_report

        report = evaluate_report(run.path)
        if hints:
            print(f"Report: {report}", file=sys.stderr)
    return result


def _splits(given: Sequence[str] | str) -> list[str]:
    splits = [given] if isinstance(given, str) else list(given)
    for split in splits:
        if split not in SPLITS:
            raise ConfigError(f"splits={splits} names '{split}'; give some of {', '.join(SPLITS)}.")
    if not splits:
        raise ConfigError(f"splits is empty; give some of {', '.join(SPLITS)}.")
    return splits


def _features(config: DictConfig, subject: Subject) -> Features:
    """The extractor that the configuration names, with its network, on the device.

    The leaf may refer to the shape of the data, which only the subject knows.
    """
    features = build(config.metric.features, section="metric", extensions=list(config.extensions))
    paths = config.paths
    attach_network(features, data=subject.data_config, cache_dir=Path(paths.cache_dir), log_dir=Path(paths.log_dir))
    return features.to(device_named(config.device))


__all__ = ["Measured", "evaluate"]
