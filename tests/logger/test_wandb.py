"""W&B online, against a server of our own on the loopback device; and what happens when W&B fails during a run."""

import io
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
from PIL import Image

from sparring.logger import RunLogger
from sparring.logger.support import wandb_start
from sparring.logger.support.wandb_settings import plain_config
from tests.logger.wandb_runs import PICTURE, log_something, make, offline_run, said
from tests.logger.wandb_stub import KEY, WandbStub

pytestmark = pytest.mark.usefixtures("no_wandb_account")


# --- online


def test_online_sends_settings_history_and_pictures_and_finishes(stub: WandbStub, tmp_path: Path) -> None:
    before = dict(os.environ)
    logger = make(tmp_path / "run1", group="seeds", tags=["a", "b"], entity="tester")
    assert isinstance(logger, RunLogger)
    logger.log_hyperparams({"model": {"width": 8}, "hub": {"api_key": "abc"}})
    log_something(logger, range(1, 4))
    logger.finalize("success")

    rows = stub.history[logger.run_id]
    assert [(row["iteration"], row["images_seen"], row["loss/generator"]) for row in rows[:3]] == [
        (step, 64 * step, 1 / step) for step in (1, 2, 3)
    ]
    assert rows[3]["iteration"] == 3
    assert "_wandb" not in rows[3]
    sent = stub.uploads[f"{logger.run_id}/{rows[3]['images/samples']['path']}"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(sent))), PICTURE)
    assert stub.exit_codes == {logger.run_id: 0}
    run = stub.runs[logger.run_id]
    assert (run["displayName"], run["groupName"], run["tags"]) == ("run1", "seeds", ["a", "b"])
    config = stub.uploads[f"{logger.run_id}/config.yaml"].decode()
    assert "width: 8" in config
    assert "abc" not in config
    assert "WANDB_MODE" not in os.environ
    assert {key for key in os.environ if os.environ[key] != before.get(key)} <= {"WANDB_SERVICE"}
    assert list((tmp_path / "run1" / "wandb").glob("run-*"))


@pytest.mark.slow
def test_the_address_is_said_and_nothing_else(
    stub: WandbStub, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logger = make(tmp_path)
    log_something(logger, range(1, 2))
    logger.finalize("success")
    out, err = capfd.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if "Loaded credentials" not in line]  # the SDK's own, never silent
    assert lines == [f"W&B: {stub.url}/tester/sparring/runs/{logger.run_id}"]
    assert said(caplog) == []


@pytest.mark.slow
def test_two_loggers_in_one_process_are_two_runs(stub: WandbStub, tmp_path: Path) -> None:
    ids = []
    for index in (1, 2):
        logger = make(tmp_path / f"run{index}")
        logger.log_metrics({"images_seen": 1, "loss": float(index)}, step=1)
        logger.finalize("success")
        ids.append(logger.run_id)
    assert len(set(ids)) == 2
    assert [stub.history[run][0]["loss"] for run in ids] == [1, 2]
    assert stub.exit_codes == dict.fromkeys(ids, 0)


@pytest.mark.slow
def test_two_open_loggers_do_not_mix(stub: WandbStub, tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    for step in (1, 2):
        one.log_metrics({"loss": 1.0}, step=step)
        two.log_metrics({"loss": 2.0}, step=step)
    for logger in (one, two):
        logger.finalize("success")
    assert {row["loss"] for row in stub.history[one.run_id]} == {1}
    assert {row["loss"] for row in stub.history[two.run_id]} == {2}


@pytest.mark.slow
def test_resume_continues_the_run_without_duplicates(stub: WandbStub, tmp_path: Path) -> None:
    first = make(tmp_path)
    log_something(first, range(1, 8))
    first.finalize("preempted")
    assert stub.exit_codes[first.run_id] == 1
    assert stub.preempted == {first.run_id}
    second = make(tmp_path)
    second.continue_after(5, first.run_id)
    log_something(second, range(6, 11))
    second.finalize("success")
    assert second.run_id == first.run_id
    rows = stub.history[first.run_id]
    assert [row["iteration"] for row in rows if "loss/generator" in row] == list(range(1, 11))
    assert [row["iteration"] for row in rows if "images/samples" in row] == [7, 10]
    assert [row["_step"] for row in rows] == list(range(len(rows)))
    assert list(stub.runs) == [first.run_id]


@pytest.mark.slow
def test_key_from_netrc(stub: WandbStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    host = stub.url.removeprefix("http://")
    (tmp_path / "netrc").write_text(f"machine {host}\n  login user\n  password {KEY}\n")
    (tmp_path / "netrc").chmod(0o600)
    logger = make(tmp_path)
    logger.log_metrics({"loss": 1.0}, step=1)
    logger.finalize("success")
    assert stub.history[logger.run_id][0]["loss"] == 1


# --- failures on the way


@pytest.mark.slow
def test_a_tracker_that_dies_is_warned_about_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    logger = make(tmp_path, mode="offline")
    log_something(logger, range(1, 2))
    caplog.clear()

    def broken(*arguments: Any, **keywords: Any) -> None:
        raise BrokenPipeError("the service is gone")

    monkeypatch.setattr(logger.experiment, "log", broken)
    log_something(logger, range(2, 6))
    monkeypatch.setattr(logger.experiment, "finish", broken)
    logger.finalize("success")
    assert [record.levelno for record in said(caplog)] == [logging.WARNING, logging.WARNING]
    assert "the service is gone" in said(caplog)[0].getMessage()
    assert "wandb sync" in said(caplog)[1].getMessage()


@pytest.mark.slow
def test_a_server_that_dies_mid_run_delays_the_end_by_a_bounded_time(
    stub: WandbStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wandb_start, "FINISH_SECONDS", 3.0)
    logger = make(tmp_path)
    log_something(logger, range(1, 3))
    stub.__exit__()
    start = time.monotonic()
    log_something(logger, range(3, 5))
    assert time.monotonic() - start < 1
    logger.finalize("success")
    assert time.monotonic() - start < 12
    (record,) = said(caplog)
    assert "W&B did not finish" in record.getMessage()
    wandb.teardown()
    (segment,) = (tmp_path / "wandb").glob(f"run-*-{logger.run_id}")
    assert record.getMessage().endswith(f"wandb sync {segment}")
    assert [row["iteration"] for row in offline_run(tmp_path)["history"]] == [1, 2, 2, 3, 4, 4]


@pytest.mark.slow
def test_a_killed_process_leaves_what_it_logged_two_seconds_ago(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from tests.logger.wandb_runs import log_something, make\n"
        "logger = make(sys.argv[1], mode='offline')\n"
        "log_something(logger, range(1, 6))\n"
        "print('logged', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "logged\n"
    time.sleep(2.5)
    process.kill()
    process.wait()
    assert [row["iteration"] for row in offline_run(tmp_path)["history"]] == [1, 2, 3, 4, 5, 5]


def test_a_run_that_cannot_even_be_opened_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**keywords: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(wandb, "init", broken)
    logger = make(tmp_path)
    log_something(logger, range(1, 4))
    logger.finalize("success")
    (record,) = said(caplog)
    assert "W&B cannot be used in this run: disk full" in record.getMessage()


def test_secrets_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_0123456789")
    config = {
        "data": {"url": "https://user:hf_0123456789@hub"},
        "password": "x",
        "num_tokens": 5,
        "path": Path("a"),
        "l": [None, 1],
    }
    assert plain_config(config) == {
        "data": {"url": "<hidden>"}, "password": "<hidden>", "num_tokens": 5, "path": "a", "l": [None, 1],
    }  # fmt: skip
