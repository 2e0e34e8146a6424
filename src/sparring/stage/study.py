"""`python study.py study=<name>`: a question answered by many runs, with statistics, a verdict and a report."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sparring.config.compose import searchpath
from sparring.config.plain import plain
from sparring.core.atomic import write_atomic
from sparring.core.errors import ConfigError, Interrupted, SparringError
from sparring.core.package import CONFIG_DIR
from sparring.core.picture import read_png
from sparring.core.signals import held, listening, name_of, stop_number
from sparring.report.logged import log_result, loggers_of, opened
from sparring.run.commands import resume_command
from sparring.run.directory import RunDir
from sparring.run.environment import config_hash, environment, identity
from sparring.run.status import record_config, remember
from sparring.stage import call
from sparring.study.base import Study
from sparring.study.engine import source_hash
from sparring.study.engine.compose import composing
from sparring.study.engine.context import StudyContext
from sparring.study.engine.display import Progress
from sparring.study.engine.looks import decided, look_sentence, looks_of
from sparring.study.engine.plan import Planned, plan
from sparring.study.engine.results import Results
from sparring.study.engine.run import CellOutcome, run
from sparring.study.stats.levels import SINGLE, Levels, levels
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.comparisons import open_cost
from sparring.study.tables.record import analysis_record, cells_record, costs_record, metrics_record

# Sections of the configuration that do not change the results of a study: it can be resumed with others.
_NOT_THE_RESULTS = ("executor", "resume", "retry", "dir", "name", "extensions")
LINE_SECONDS = 5.0
CELLS, ARCHIVE = "cells", "archive"


class StudyError(SparringError):
    """Some cells of a study failed; the conclusion without them is in its report, and in `result`."""

    def __init__(self, sentence: str, result: dict[str, Any]) -> None:
        super().__init__(sentence)
        self.result = result


def study(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Run every cell that is not finished, then analyse; leaves result.json, report.html and report.md in `run_dir`.

    Args:
        config: the whole configuration of study.py, resolved.
        run_dir: the study's directory; new, or that of a study with the same settings where `config.resume` is set.

    Returns:
        The content of `result.json`.

    Raises:
        ConfigError: settings that do not work, or `run_dir` holds a study with others.
        Interrupted: a signal stopped it; finished cells are kept.
        StudyError: cells failed. The result and the report are there nevertheless, without these cells.
    """
    resuming = bool(config.resume)
    with RunDir.resume(run_dir) if resuming else RunDir.create(run_dir) as folder:
        if resuming and (run_dir / CELLS).exists():
            _check_same(folder, config)
        elif (
            resuming and HydraConfig.initialized()
        ):  # it was refused before its first cell, and its settings are corrected
            remember(run_dir, plain(config))
        else:
            record_config(run_dir, plain(config))
        try:
            with listening():
                result = _run(config, folder)
        except BaseException as error:
            interruption = _as_interruption(error, folder)
            _write_reason(folder, interruption or error)
            if interruption is not None:
                raise interruption from error
            raise
        failed = [name for name, cell in result["cells"].items() if cell["state"] == "failed"]
        if failed:
            again = f"try them again with: {resume_command('study', folder, 'retry=true')}"
            problem = StudyError(f"{len(failed)} cells failed, first {failed[0]}; {again}", result)
            folder.write_status("failed", str(problem), problem.exit_code, {}, None)
            raise problem
        folder.write_status("finished", f"all {len(result['cells'])} cells finished", 0, {}, None)
    return result


def _run(config: DictConfig, folder: RunDir) -> dict[str, Any]:
    """Content of result.json. The configuration is read here and nowhere below."""
    started = time.perf_counter()
    folder.write_status("running", "planning", None, {}, None)
    config.paths.run_dir = str(folder.path)
    context = StudyContext.read(config)
    subject = context.build(config.study, section="study")
    if not isinstance(subject, Study):
        raise ConfigError(f"study={type(subject).__name__} is no sparring.study.base.Study.")
    loggers = loggers_of(config)
    looks = looks_of(subject.replicates, adaptive=subject.adaptive, budget=int(config.budget))
    executor = context.build(config.executor, section="executor")
    try:
        for index, subject.replicates in enumerate(looks):
            tested = levels(looks, index) if subject.adaptive else SINGLE
            results = _look(subject, context, executor, folder, retry=bool(config.retry) and index == 0, tested=tested)
            while subject.more(results):
                results = _look(subject, context, executor, folder, retry=False, tested=tested)
            analysis = subject.analyse(results)
            if subject.adaptive and decided(analysis.comparisons):
                break
    except BaseException:
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()
    seconds = sum(each.seconds for each in results.outcomes.values())
    more = [
        open_cost(analysis.comparisons, replicates=results.replicates, seconds=seconds),
        look_sentence(looks, analysis.comparisons) if subject.adaptive else "",
    ]
    analysis = replace(analysis, conclusion=" ".join(filter(None, [analysis.conclusion, *more])))
    result = {
        "verb": "study",
        "name": config.name,
        "config_hash": config_hash(config),
        "data": {"name": context.dataset},
        "metrics": metrics_record(analysis),
        "analysis": analysis_record(analysis),
        "checks": results.checks,
        "cells": cells_record(results.planned, results.outcomes, results),
        "cost": costs_record(results.planned, results.outcomes, time.perf_counter() - started),
        "environment": environment(),
    }
    folder.write_result(result)
    for text in analysis.texts:
        if text.file:
            (folder.path / text.file).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(folder.path / text.file, text.content.encode())
    from sparring.report.study import study_report  # matplotlib, which only the end needs

    study_report(folder.path)
    with opened(loggers, plain(config)):
        for logger in loggers:
            _log(logger, folder, analysis)
    return result


def _look(
    subject: Study, context: StudyContext, executor: Any, folder: RunDir, *, retry: bool, tested: Levels
) -> Results:
    """Plan the cells of the study's replicates, and run those that are not finished."""
    with composing(context, CONFIG_DIR, searchpath()) as composer:
        code = source_hash.digest(context.build.extensions)
        planned = plan(subject.cells(context), composer, folder.path / CELLS, code)
    outcomes = _outcomes(planned, executor, folder, retry=retry)
    if subject.divergence_is_a_result:
        outcomes = {each.cell.name: _diverged(each, outcomes[each.cell.name]) for each in planned}
    return Results(planned, outcomes, replicates=subject.replicates, build=context.build, levels=tested)


def _diverged(each: Planned, outcome: CellOutcome) -> CellOutcome:
    """`outcome`, or "diverged" in place of "failed" where that is what the training says of itself."""
    status = RunDir(each.folder).status() if outcome.state == "failed" else None
    return replace(outcome, state="diverged") if (status or {}).get("state") == "diverged" else outcome


def _outcomes(planned: Sequence[Planned], executor: Any, folder: RunDir, *, retry: bool) -> dict[str, CellOutcome]:
    """Run what is not finished."""
    folder.write_status("running", f"{len(planned)} cells", None, {}, None)
    csv_file, workers = folder.path / "cells.csv", executor.workers
    with Progress(planned, csv_file, workers=workers, line_seconds=LINE_SECONDS) as progress:
        return run(planned, executor, progress, call=call, retry=retry, workers=workers, archive=folder.path / ARCHIVE)


def _log(logger: Any, folder: RunDir, analysis: Analysis) -> None:
    """Plots and pictures to a logger; tables, numbers and the verdict to one that takes them (W&B)."""
    from sparring.report.plots import pixels

    for picture in analysis.pictures:
        if (folder.path / picture.path).exists():
            logger.log_image(picture.title, read_png(folder.path / picture.path), step=0)
    for plot in analysis_record(analysis)["plots"]:
        logger.log_image(plot["title"], pixels(plot), step=0)
    log_result(logger, folder.result(), folder)
    if hasattr(logger, "log_table"):
        for table in analysis.tables:
            logger.log_table(table.title, table.columns, table.rows)
        logger.log_summary({"verdict": str(analysis.verdict or ""), "conclusion": analysis.conclusion})


# -- the directory -----------------------------------------------------------------------------------------------------------


def _check_same(folder: RunDir, config: DictConfig) -> None:
    """Raise ConfigError, naming the settings, if the study in `folder` was started with others."""
    there, here = (dict(_leaves(identity(each))) for each in (folder.config, config))
    differing = [
        key
        for key in {**there, **here}
        if key.partition(".")[0] not in _NOT_THE_RESULTS and there.get(key) != here.get(key)
    ]
    if differing:
        listed = ", ".join(f"{key} ({there.get(key)} there, {here.get(key)} here)" for key in differing[:5])
        raise ConfigError(
            f"{folder.path} holds a study with other settings: {listed}; resume it with the same, or start a new study."
        )


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        for key, child in node.items():
            yield from _leaves(child, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, node


# -- signals and errors ------------------------------------------------------------------------------------------------------


def _as_interruption(error: BaseException, folder: RunDir) -> Interrupted | None:
    """The message for the user if `error` is a stop of the study; None otherwise."""
    number = error.exit_code - 128 if isinstance(error, Interrupted) else stop_number(error)
    if not number:
        return None
    return Interrupted(f"stopped by {name_of(number)}; go on with: {resume_command('study', folder)}", number)


def _write_reason(folder: RunDir, error: BaseException) -> None:
    """To status.json; an error in writing it does not hide `error` itself."""
    state = "interrupted" if isinstance(error, Interrupted) else "failed"
    exit_code = error.exit_code if isinstance(error, SparringError) else 1
    with held(), contextlib.suppress(Exception):
        folder.write_status(state, str(error) or type(error).__name__, exit_code, {}, None)  # type: ignore[arg-type]
