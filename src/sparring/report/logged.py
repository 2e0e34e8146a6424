"""The result of a verb that does not train, in the loggers that were asked for: W&B or TensorBoard."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from sparring.config.build import Builder
from sparring.config.plain import plain
from sparring.config.read_runs import earlier_runs
from sparring.core.picture import read_png
from sparring.report.outcome import summary
from sparring.run.directory import RunDir

COLUMNS = ("metric", "value", "std", "low", "high", "real images", "better")


@contextlib.contextmanager
def logged(config: DictConfig, run: RunDir) -> Iterator[None]:
    """Inside, the run is open in the loggers of `config`; at the end they get the content of its result.json and its pictures.

    Raises:
        ConfigError: a logger refuses its settings.
    """
    with opened(loggers_of(config), plain(config)) as loggers:
        log_used(loggers, config)
        yield
        for logger in loggers:
            log_result(logger, run.result(), run)
            if hasattr(logger, "log_artifacts"):
                logger.log_artifacts(run.path)


def log_used(loggers: Sequence[Any], config: DictConfig) -> None:
    """Tell the loggers that follow such things (W&B) which earlier runs this one reads."""
    for logger in loggers:
        if hasattr(logger, "log_used"):
            for folder, kind, checkpoint in earlier_runs(config):
                logger.log_used(folder, kind, checkpoint)


def loggers_of(config: DictConfig) -> list[Any]:
    """The loggers of `config` but `metrics.csv`: that holds what changes during a training, and result.json holds the rest.

    Raises:
        ConfigError: a logger refuses its settings.
    """
    build, parts = Builder.of(config), plain(config.logger)
    return [
        build(part, section="logger", key=f"logger.{name}") for name, part in parts.items() if part and name != "csv"
    ]


@contextlib.contextmanager
def opened(loggers: Sequence[Any], settings: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """Inside, `loggers` know the settings of the run; they are closed at the end, also after an error.

    Raises:
        ConfigError: logger.wandb.mode=online fails.
    """
    try:
        for logger in loggers:
            logger.log_hyperparams(settings)
        yield loggers
    except BaseException:
        for logger in loggers:
            with contextlib.suppress(Exception):  # never hide the error itself
                logger.finalize("failed")
        raise
    for logger in loggers:
        logger.finalize("success")


def log_result(logger: Any, result: Mapping[str, Any], run: RunDir) -> None:
    """Give a logger the pictures and the numbers of a finished run.

    Args:
        logger: that of W&B gets a table and a summary; any other one gets the values as scalars of iteration 0.
        result: content of the run's result.json.
    """
    for path in sorted(run.images.glob("*.png")):
        logger.log_image(path.stem, read_png(path), step=0)
    values = {name: each["value"] for name, each in result["metrics"].items() if each["value"] is not None}
    if not hasattr(logger, "log_summary"):
        logger.log_metrics(values, step=0)
        return
    if values:
        logger.log_table("metrics", COLUMNS, rows(result["metrics"]))
    costs = {f"cost/{name}": each for name, each in result["cost"].items() if isinstance(each, int | float)}
    logger.log_summary({**summary(result), **costs})


def rows(metrics: Mapping[str, Any]) -> Sequence[Sequence[str | float | None]]:
    """A row for each metric that has a value, in the order of COLUMNS."""
    return [
        [
            name, each["value"], each["std"], *(each["interval"] or (None, None)), each.get("reference"),
            each["direction"].replace("_", " "),
        ]
        for name, each in metrics.items()
        if each["value"] is not None
    ]  # fmt: skip
