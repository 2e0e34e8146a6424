"""Scalars and pictures on Weights & Biases, online or offline, without ever getting in the way of training."""

import logging
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only

from sparring.core.errors import ConfigError
from sparring.core.terminal import say
from sparring.logger.support import wandb_artifacts, wandb_media, wandb_start
from sparring.logger.support.wandb_settings import first_line, plain_config, requested_mode
from sparring.logger.support.wandb_watch import Watched, check_watch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

log = logging.getLogger(__name__)


class WandbLogger(Logger):
    """One W&B run per job, opened at the first thing logged and closed by `finalize`.

    The x-axis of everything is `iteration`. Failures of W&B during the run are warned about once; `metrics.csv` is complete
    without it. `run_id` names the run on W&B and is chosen here, so a checkpoint can carry it from the start.
    """

    def __init__(
        self, *, save_dir: str | os.PathLike[str], mode: str, project: str | None, entity: str | None, name: str | None,
        group: str | None, tags: Sequence[str], online_timeout: float, artifacts: bool, watch: str | None, watch_every: int,
    ) -> None:  # fmt: skip
        """The arguments are explained in `conf/logger/wandb.yaml`; W&B's files go to `<save_dir>/wandb`.

        Raises:
            ConfigError: for an unknown `mode` or `watch`.
        """
        super().__init__()
        check_watch(watch, watch_every)
        self._mode = requested_mode(mode)
        self._folder = Path(save_dir).absolute()
        self._labels = wandb_start.labels(
            self._folder, project=project, entity=entity, name=name, group=group, tags=tags
        )
        self._online_timeout = online_timeout
        self._artifacts, self._watch, self._watch_every = artifacts, watch, watch_every
        self._watched: Watched | None = None
        self.keep_open = False  # while set, Lightning's `finalize` after a good training waits for the figures
        self._run_id = os.environ.get("WANDB_RUN_ID") or secrets.token_hex(4)
        self._config: dict[str, Any] = {}
        self._run: Any = None
        self._given_up = self._warned = False
        self._rows = 0  # sent so far; W&B's own step, which must not start again in a resumed run
        self._sent: dict[str, int] = {}  # the newest iteration sent of the metrics and of each picture
        self._sent_before: dict[str, int] = {}  # the same, of the process that this one continues
        self._resumed = False

    @property
    def name(self) -> str:
        return "wandb"

    @property
    def version(self) -> str:
        return self._run_id

    @property
    def save_dir(self) -> str:
        return str(self._folder)

    @property
    def run_id(self) -> str:
        """The id of the run on W&B; `continue_after` gives back that of an earlier process."""
        return self._run_id

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The `wandb.Run`, opened now if need be; None when there is none to be had, Lightning's dummy on other ranks."""
        return self._opened()

    @rank_zero_only
    def continue_after(self, iteration: int, run_id: str | None = None) -> None:
        """Go on in the W&B run `run_id`.

        W&B cannot take points back, but the ones between the checkpoint and the end of the earlier process come out the
        same again, so they are not sent twice.

        Raises:
            RuntimeError: something was logged already.
        """
        if self._run is not None:
            raise RuntimeError("continue_after must be called before anything is logged.")
        if run_id is None:
            return
        self._run_id, self._resumed = run_id, True
        self._rows, self._sent_before = wandb_start.sent_before(self._sent_file)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Record the settings as plain containers, with secrets blanked out."""
        self._config = plain_config(params)
        self._labels |= wandb_start.kind_of_work(self._config, called=self._labels["name"])
        if self._run is None:
            self._opened()  # takes the settings along
        else:
            self._guarded(lambda: self._run.config.update(self._config, allow_val_change=True))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record the scalars of iteration `step`.

        Raises:
            ValueError: no `step` is given.
        """
        if step is None:
            raise ValueError("WandbLogger.log_metrics needs step=<iteration>.")
        shown = self._watched.histograms if self._watched is not None else dict
        self._send("metrics", step, lambda: {**{key: float(value) for key, value in metrics.items()}, **shown()})

    @rank_zero_only
    def log_image(self, name: str, image: "NDArray[np.uint8]", step: int) -> None:
        """Record an (H, W, C) uint8 picture, unchanged."""
        self._send(f"images/{name}", step, lambda: {f"images/{name}": wandb_media.picture(image)})

    @rank_zero_only
    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[str | float]]) -> None:
        """Record a table, for example that of a study. It has no place on the x-axis: a later one of the name replaces it."""

        def send() -> None:
            import wandb

            table = wandb.Table(columns=list(columns), data=[list(row) for row in rows])
            self._run.log({f"tables/{name}": table}, step=self._rows, commit=True)
            self._rows += 1

        if self._opened() is not None:
            self._guarded(send)

    @rank_zero_only
    def log_summary(self, values: Mapping[str, str | float]) -> None:
        """Record values that W&B shows in its list of runs, for example a verdict."""
        if self._opened() is not None:
            self._guarded(lambda: self._run.summary.update(dict(values)))

    @rank_zero_only
    def log_alert(self, title: str, text: str) -> None:
        """Send a message, which W&B passes on by mail or Slack where its user asked for that."""
        if self._opened() is not None:
            self._guarded(lambda: self._run.alert(title=title, text=text, level="WARN"))

    @rank_zero_only
    def log_artifacts(self, folder: Path) -> None:
        """Record the weights or the images that a run directory holds, where the settings ask for it."""
        if self._artifacts and self._opened() is not None:
            self._guarded(lambda: wandb_artifacts.leave(self._run, folder))

    @rank_zero_only
    def log_used(self, folder: Path, kind: wandb_artifacts.Kind, checkpoint: str = "last") -> None:
        """Record that this run reads the weights ("model") or the "images" of an earlier one, where the settings ask for it."""
        if self._artifacts and self._opened() is not None:
            self._guarded(lambda: wandb_artifacts.use(self._run, folder, kind, checkpoint=checkpoint))

    @rank_zero_only
    def watch(self, networks: Mapping[str, "nn.Module"]) -> None:
        """Record histograms of the networks' weights, gradients or both from now on, as the settings ask."""
        if self._watch is not None and self._opened() is not None:
            self._watched = Watched(networks, way=self._watch, every=self._watch_every)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Upload the rest and close the run, within a minute; logging again would continue it."""
        if self._run is None or (self.keep_open and status == "success"):
            return
        run, self._run = self._run, None
        try:
            wandb_start.finish_run(run, status)
        except Exception as error:  # the run itself went well, whatever W&B says
            log.warning("W&B did not finish (%s); to upload: wandb sync %s", first_line(error), run.settings.sync_dir)

    def _opened(self) -> Any:
        """The run, or None when there is none to be had."""
        if self._run is None and self._mode != "disabled" and not self._given_up:
            self._start()
        return self._run

    def _start(self) -> None:
        """Open the run online or offline, saying which. Raises ConfigError when mode=online and that fails."""
        reason = "logger.wandb.mode=offline"
        if self._mode in ("auto", "online"):
            opened = wandb_start.started_online(lambda: self._started("online"), lambda: self._folders("run-"))
            self._run, reason = opened
            if self._run is not None:
                say(f"W&B: {self._run.url}")
                return
            if self._mode == "online":
                raise ConfigError(f"logger.wandb.mode=online failed: {reason}; try logger.wandb.mode=auto or offline.")
        try:
            self._run = self._started("offline")
        except Exception as error:  # training goes on without W&B
            self._given_up = True
            log.warning("W&B cannot be used in this run: %s.", first_line(error))
            return
        parts = " ".join(map(str, self._folders("offline-run-")))
        log.warning("W&B runs offline (%s); to upload: wandb sync %s", reason, parts)

    def _started(self, mode: Literal["online", "offline"]) -> Any:
        run = wandb_start.start_run(
            mode, self._folder, self._run_id, resumed=self._resumed, online_timeout=self._online_timeout,
            config=self._config, labels=self._labels,
        )  # fmt: skip
        self._run_id = run.id  # an agent of a W&B sweep decides it
        self._rows = max(self._rows, run.step)
        self._resumed = True  # should `finalize` be followed by more
        return run

    def _folders(self, prefix: str) -> list[Path]:
        """A resumed run has one folder for each process that wrote it; W&B joins them by their id."""
        return sorted((self._folder / "wandb").glob(f"{prefix}*-{self._run_id}"))

    @property
    def _sent_file(self) -> Path:
        return self._folder / "wandb" / f"sent-{self._run_id}.json"

    def _send(self, what: str, iteration: int, row: Any) -> None:
        if self._opened() is None or iteration <= self._sent_before.get(what, -1):
            return

        def send() -> None:
            self._run.log({**row(), "iteration": iteration}, step=self._rows, commit=True)
            self._rows += 1
            self._sent[what] = iteration
            wandb_start.remember_sent(self._sent_file, self._rows, {**self._sent_before, **self._sent})

        self._guarded(send)

    def _guarded(self, call: Any) -> None:
        try:
            call()
        except Exception as error:  # a tracker that dies must not take the run along
            if not self._warned:
                log.warning("W&B failed (%s); training goes on, metrics.csv is complete.", first_line(error))
            self._warned = True
