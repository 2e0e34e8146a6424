"""`python evaluate.py run=<run>` or `images=<folder> reference=<data set>`: all metrics with their protocols."""

import sys
import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.core.terminal import say
from sparring.evaluation.features import RealFeatures
from sparring.evaluation.measure import Subject, measure_all
from sparring.evaluation.metrics import metrics_of
from sparring.evaluation.record import draw_neighbours, records
from sparring.evaluation.reference import attach_network
from sparring.evaluation.settings import EvaluateSettings
from sparring.evaluation.subject import subject_of
from sparring.metric.features.base import Features
from sparring.report.doubts import doubts
from sparring.report.logged import logged
from sparring.run.cost import peak_memory_mb
from sparring.run.directory import RunDir
from sparring.run.environment import environment
from sparring.run.status import recorded


def evaluate(
    config: DictConfig, run_dir: Path, *, subject: Subject | None = None, hints: bool = True
) -> dict[str, Any]:
    """Measure what `config` names; leaves result.json, report.html and images/neighbours.png in `run_dir`.

    Args:
        config: resolved, as conf/evaluate.yaml composes it.
        run_dir: folder of the new run.
        subject: what is measured, where it is at hand in Python; None: what `config` names.
        hints: whether to print the table.

    Returns:
        The content of result.json: `metrics` by name, and `records` with all that was measured with them.

    Raises:
        ConfigError, DataError, CheckpointError, DivergedError, DiskError: in one sentence each.
    """
    with recorded(run_dir) as run, logged(config, run):
        result = _evaluate(EvaluateSettings.of(config), run, subject, hints=hints)
        run.write_status("finished", f"{len(result['metrics'])} values", 0, {}, None)
    return result


def _evaluate(settings: EvaluateSettings, run: RunDir, subject: Subject | None, *, hints: bool) -> dict[str, Any]:
    started = time.perf_counter()
    subject = subject or subject_of(settings)
    real = RealFeatures(subject.data, _extractor(settings, subject), settings.cache_dir)
    measured = measure_all(subject, real, splits=settings.splits, names=settings.metrics, k=settings.neighbours)
    draw_neighbours(run.images / "neighbours.png", measured, real)
    rows = records(measured, subject, real, k=settings.neighbours)
    result: dict[str, Any] = {
        "verb": "evaluate",
        "name": settings.name,
        "config_hash": settings.config_hash,
        "subject": subject.origin,
        "data": {"name": subject.data_settings["name"], "fingerprints": subject.data.fingerprints()},
        "classes": list(subject.data.class_names),
        "metrics": {name: each.record() for name, each in metrics_of(rows).items()},
        "records": rows,
        "discriminator": measured.discriminator,
        "cost": {
            "seconds": round(time.perf_counter() - started, 1),
            "images": subject.count * subject.repeats,
            "peak_memory_mb": peak_memory_mb(settings.device),
        },
        "environment": environment(),
    }
    result["remarks"] = doubts(result)
    run.write_result(result)
    _show(result, run, report=settings.report, hints=hints)
    return result


def _show(result: dict[str, Any], run: RunDir, *, report: bool, hints: bool) -> None:
    """Print the table, and write the page where it is asked for."""
    from sparring.report.protocol import text_table

    if hints:
        say(text_table(result["records"]), file=sys.stdout)
    if report:
        from sparring.report.evaluate import evaluate_report

        evaluate_report(run.path)


def _extractor(settings: EvaluateSettings, subject: Subject) -> Features:
    """The feature extractor with its network, on the device."""
    features = attach_network(
        settings.features, data=subject.data_settings, cache_dir=settings.cache_dir, runs=settings.runs
    )
    return features.to(settings.device)
