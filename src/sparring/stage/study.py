"""`python study.py study=<name>`: a question answered by many runs, with statistics, a verdict and a report."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from sparring.config.build import build
from sparring.config.compose import searchpath
from sparring.core.errors import ConfigError, Interrupted, SparringError
from sparring.core.package import CONFIG_DIR
from sparring.core.picture import read_png
from sparring.run.commands import resume_command
from sparring.run.directory import RunDir
from sparring.run.environment import config_hash, environment, identity
from sparring.run.status import record_config, remember
from sparring.stage import call
from sparring.study.base import Study
from sparring.study.engine import source_hash as code
from sparring.study.engine.compose import composing
from sparring.study.engine.display import Progress
from sparring.study.engine.plan import Planned, plan
from sparring.study.engine.results import Results
from sparring.study.engine.run import CellOutcome, run
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.record import analysis_record, cells_record, costs_record

# Settings that do not change what a study finds, so that a study may go on with others.
FREE = ("executor", "resume", "retry", "dir", "name", "extensions")
LINE_SECONDS = 10.0
CELLS = "cells"


class StudyError(SparringError):
    """Some cells of a study failed; what could be said without them is in its report."""


def study(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Run every cell that is not finished, then analyse; leaves result.json, report.html and report.md in `run_dir`.

    Returns the content of `result.json`.

    Raises:
        ConfigError: settings that do not work, or `run_dir` holds a study with others.
        Interrupted: a signal stopped it; finished cells are kept.
        StudyError: cells failed. The result and the report are there nevertheless, without these cells.
    """
    going_on = bool(config.resume)
    with RunDir.resume(run_dir) if going_on else RunDir.create(run_dir) as folder:
        if going_on and (run_dir / CELLS).exists():
            _check_same(folder, config)
        elif going_on and HydraConfig.initialized():  # it was refused before its first cell and is now put right
            remember(run_dir, config)
        else:
            record_config(config, run_dir)
        try:
            with _signals():
                result, failed = _run(config, folder)
        except BaseException as error:
            stopped = _as_interruption(error, folder)
            _say_why(folder, stopped or error)
            if stopped is not None:
                raise stopped from error
            raise
        if failed:
            again = f"try them again with: {resume_command('study', folder, 'retry=true')}"
            problem = StudyError(f"{len(failed)} cells failed, first {failed[0]}; {again}")
            folder.write_status("failed", str(problem), problem.exit_code, {}, None)
            raise problem
        folder.write_status("finished", f"all {len(result['cells'])} cells finished", 0, {}, None)
    return result


def _run(config: DictConfig, folder: RunDir) -> tuple[dict[str, Any], list[str]]:
    """(content of result.json, names of failed cells)."""
    started = time.perf_counter()
    folder.write_status("running", "planning", None, {}, None)
    extensions = list(config.extensions)
    subject = build(config.study, section="study", extensions=extensions)
    if not isinstance(subject, Study):
        raise ConfigError(f"study={type(subject).__name__} is no sparring.study.base.Study.")
    with composing(config, CONFIG_DIR, searchpath()) as composer:
        planned = plan(subject.cells(config), composer, folder.path / CELLS, code.digest(extensions))
    executor = build(config.executor, section="executor", extensions=extensions)
    folder.write_status("running", f"{len(planned)} cells", None, {}, None)
    try:
        with Progress(
            planned, folder.path / "cells.csv", workers=executor.workers, line_seconds=LINE_SECONDS
        ) as progress:
            outcomes = run(
                planned, executor, progress, retry=bool(config.retry), workers=executor.workers,
                call=call, aside=folder.path / "aside",
            )  # fmt: skip
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()
    results = Results(planned, outcomes, replicates=subject.replicates)
    analysis = subject.analyse(results)
    result = _result(config, analysis, results, planned, outcomes, time.perf_counter() - started)
    folder.write_result(result)
    _report(folder, config, analysis)
    return result, [name for name, outcome in outcomes.items() if outcome.state == "failed"]


def _result(config: DictConfig, analysis: Analysis, results: Results, planned: Sequence[Planned],
            outcomes: Mapping[str, CellOutcome], seconds: float) -> dict[str, Any]:  # fmt: skip
    return {
        "verb": "study",
        "name": config.name,
        "config_hash": config_hash(config),
        "data": {"name": config.dataset},
        "analysis": analysis_record(analysis),
        "checks": results.checks,
        "cells": cells_record(planned, outcomes, results),
        "cost": costs_record(planned, outcomes, seconds),
        "environment": environment(),
    }


def _report(folder: RunDir, config: DictConfig, analysis: Analysis) -> None:
    from sparring.report.study import study_report  # matplotlib, which only the end needs

    page = study_report(folder.path)
    print(f"{analysis.answer}\nReport: {page}", file=sys.stderr)
    for node in config.logger.values():
        logger = build(node, section="logger", extensions=list(config.extensions)) if node else None
        if hasattr(logger, "log_table"):
            _log(logger, folder, config, analysis)


def _log(logger: Any, folder: RunDir, config: DictConfig, analysis: Analysis) -> None:
    """Tables, plots, pictures and verdict to a logger that takes them (W&B)."""
    from sparring.report.plots import pixels

    logger.log_hyperparams(OmegaConf.to_container(config, resolve=True))
    for table in analysis.tables:
        logger.log_table(table.title, table.columns, table.rows)
    for picture in analysis.pictures:
        if (folder.path / picture.path).exists():
            logger.log_image(picture.title, read_png(folder.path / picture.path), step=0)
    for plot in analysis_record(analysis)["plots"]:
        logger.log_image(plot["title"], pixels(plot), step=0)
    logger.log_summary({"verdict": str(analysis.verdict or ""), "answer": analysis.answer})
    logger.finalize("success")


# -- the directory -----------------------------------------------------------------------------------------------------------


def _check_same(folder: RunDir, config: DictConfig) -> None:
    """Raise ConfigError, naming the settings, if the study in `folder` was started with others."""
    before, now = (dict(_leaves(identity(each))) for each in (folder.config, config))
    differ = [key for key in {**before, **now} if key.partition(".")[0] not in FREE and before.get(key) != now.get(key)]
    if differ:
        told = ", ".join(f"{key} ({before.get(key)} there, {now.get(key)} here)" for key in differ[:5])
        raise ConfigError(
            f"{folder.path} holds a study with other settings: {told}; go on with the same, or start a new study."
        )


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        for key, child in node.items():
            yield from _leaves(child, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, node


# -- the end -----------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the study like Ctrl-C does: workers are stopped and status.json says so."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(f"stopped by {signal.Signals(number).name}", number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_interruption(error: BaseException, folder: RunDir) -> Interrupted | None:
    """`error` as what the user is told, when somebody stopped the study."""
    if not isinstance(error, Interrupted | KeyboardInterrupt):
        return None
    number = error.exit_code - 128 if isinstance(error, Interrupted) else int(signal.SIGINT)
    name = signal.Signals(number).name
    return Interrupted(f"stopped by {name}; go on with: {resume_command('study', folder)}", number)


def _say_why(folder: RunDir, error: BaseException) -> None:
    """Never hides the error itself."""
    state = "interrupted" if isinstance(error, Interrupted) else "failed"
    exit_code = error.exit_code if isinstance(error, SparringError) else 1
    with contextlib.suppress(Exception):
        folder.write_status(state, str(error) or type(error).__name__, exit_code, {}, None)  # type: ignore[arg-type]
