"""W&B offline, by choice or because there is no other way: read back from the SDK's own files."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from sparring.core.errors import ConfigError
from sparring.logger.support.wandb_start import labels
from sparring.logger.wandb import WandbLogger
from tests.conftest import compose
from tests.logger.wandb_runs import PICTURE, assert_given_up, close, log_something, make, offline_run, records, said
from tests.logger.wandb_stub import KEY, WandbStub

pytestmark = pytest.mark.usefixtures("no_wandb_account")


# --- falling back to offline


def assert_offline(logger: WandbLogger, folder: Path, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    log_something(logger, range(1, 4))
    close(logger)
    (record,) = said(caplog)
    (segment,) = (folder / "wandb").glob(f"offline-run-*-{logger.run_id}")
    assert reason in record.getMessage()
    assert record.getMessage().endswith(f"to upload: wandb sync {segment}")
    assert "\n" not in record.getMessage()
    run = offline_run(folder)
    assert run["run"].run_id == logger.run_id
    assert [row["loss/generator"] for row in run["history"][:3]] == [1.0, 0.5, pytest.approx(1 / 3)]
    assert "WANDB_MODE" not in os.environ


def test_without_a_key_it_is_offline_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, waits: list[tuple[str, float]]
) -> None:
    logger = make(tmp_path)
    logger.log_hyperparams({"a": 1})
    assert [mode for mode, _ in waits] == ["offline"]  # nobody is waited for
    assert_offline(logger, tmp_path, caplog, "no API key")


@pytest.mark.slow
@pytest.mark.parametrize("stub", ["unauthorized"], indirect=True)
def test_a_wrong_key_falls_back_and_says_so(stub: WandbStub, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert_offline(make(tmp_path), tmp_path, caplog, f"the API key does not work on {stub.url}")


@pytest.mark.slow
def test_a_malformed_key_falls_back_and_is_not_shown(
    stub: WandbStub, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "much-too-short")
    assert_offline(make(tmp_path), tmp_path, caplog, f"the API key does not work on {stub.url}")
    assert "much-too-short" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("stub", ["silent", "late"], indirect=True)
def test_a_server_that_does_not_answer(
    stub: WandbStub, tmp_path: Path, caplog: pytest.LogCaptureFixture, waits: list[tuple[str, float]]
) -> None:
    start = time.monotonic()
    assert_offline(make(tmp_path, online_timeout=4), tmp_path, caplog, f"no answer from {stub.url}")
    assert_given_up(waits, 4, start)


@pytest.mark.slow
def test_no_network_costs_at_most_20_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, waits: list[tuple[str, float]]
) -> None:
    """The seconds of the setting, here fewer, and 5 to give up and to start offline."""
    limit = 4
    assert compose("logger=[wandb]").logger.wandb.online_timeout + 5 <= 20
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
    start = time.monotonic()
    assert_offline(make(tmp_path, online_timeout=limit), tmp_path, caplog, "no answer from")
    assert_given_up(waits, limit, start)


@pytest.mark.slow
def test_mode_online_insists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"mode=online failed: no API key.*mode=auto"):
        make(tmp_path, mode="online").log_hyperparams({})
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    with pytest.raises(ConfigError, match="mode=online failed"):
        make(tmp_path, mode="online", online_timeout=2).log_metrics({"loss": 1.0}, step=1)


def test_unknown_mode(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mode=onlin does not exist; choose one of auto, online"):
        make(tmp_path, mode="onlin")


# --- offline


def test_offline_file_holds_everything(tmp_path: Path) -> None:
    logger = make(tmp_path / "run1", mode="offline", group="seeds", tags=["a"], project="mine")
    logger.log_hyperparams({"model": {"width": 8}, "wandb": {"token": "abc"}})
    log_something(logger, range(1, 6))
    close(logger, "failed")
    found = offline_run(tmp_path / "run1")
    assert (found["run"].run_id, found["run"].display_name) == (logger.run_id, "run1")
    assert (found["run"].run_group, found["run"].project, list(found["run"].tags)) == ("seeds", "mine", ["a"])
    assert found["config"]["model"] == {"width": 8}
    assert found["config"]["wandb"] == {"token": "<hidden>"}
    assert found["steps"]["*"] == "iteration"
    assert [row["iteration"] for row in found["history"]] == [1, 2, 3, 4, 5, 5]
    assert [row["loss/generator"] for row in found["history"][:5]] == [1 / step for step in range(1, 6)]
    assert found["exit"] == 1
    (picture,) = (tmp_path / "run1").rglob("*.png")
    assert np.array_equal(np.asarray(Image.open(picture)), PICTURE)


@pytest.mark.slow
def test_offline_file_holds_tables_and_summary(tmp_path: Path) -> None:
    logger = make(tmp_path / "study", mode="offline")
    logger.log_table("Accuracy", ("arm", "verdict"), [("real", ""), ("gan", "HELPS")])
    logger.log_summary({"verdict": "HELPS"})
    logger.log_alert("collapsed (stop)", "guard stopped at iteration 250")
    close(logger)
    (row,) = offline_run(tmp_path / "study")["history"]
    assert row["tables/Accuracy._type"] == "table-file"
    (file,) = (tmp_path / "study").rglob("*.table.json")
    assert json.loads(file.read_text()) == {"columns": ["arm", "verdict"], "data": [["real", ""], ["gan", "HELPS"]]}
    (binary,) = (tmp_path / "study").rglob("*.wandb")
    (alert,) = [record.alert for record in records(binary) if record.WhichOneof("record_type") == "alert"]
    assert (alert.title, alert.text, alert.level) == ("collapsed (stop)", "guard stopped at iteration 250", "WARN")
    summaries = [record.summary for record in records(binary) if record.WhichOneof("record_type") == "summary"]
    said = {item.key: json.loads(item.value_json) for summary in summaries for item in summary.update}
    assert said["verdict"] == "HELPS"


@pytest.mark.slow
def test_wandb_mode_of_the_user_is_heard_by_auto_only(
    stub: WandbStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    logger = make(tmp_path / "auto")
    log_something(logger, range(1, 2))
    close(logger)
    assert offline_run(tmp_path / "auto")["exit"] == 0
    logger = make(tmp_path / "online", mode="online")
    logger.log_metrics({"loss": 1.0}, step=1)
    logger.finalize("success")
    assert logger.run_id in stub.history


@pytest.mark.slow
def test_resumed_offline_run_names_every_part(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = make(tmp_path, mode="offline")
    log_something(first, range(1, 4))
    first.finalize("failed")
    time.sleep(1.1)  # W&B names folders by the second
    second = make(tmp_path, mode="offline")
    second.continue_after(2, first.run_id)
    log_something(second, range(3, 6))
    close(second)
    folders = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert len(folders) == 2
    assert said(caplog)[-1].getMessage().endswith(f"wandb sync {folders[0]} {folders[1]}")
    steps = [[row["iteration"] for row in offline_run(folder)["history"]] for folder in folders]
    assert steps == [[1, 2, 3, 3], [4, 5, 5]]


@pytest.mark.slow
def test_the_sync_command_uploads_a_resumed_offline_run(
    stub: WandbStub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = make(tmp_path, mode="offline")
    log_something(first, range(1, 4))
    first.finalize("failed")
    time.sleep(1.1)
    second = make(tmp_path, mode="offline")
    second.continue_after(3, first.run_id)
    log_something(second, range(4, 7))
    close(second)
    command = said(caplog)[-1].getMessage().partition("to upload: ")[2].split()
    subprocess.run(
        [sys.executable, "-m", *command], check=True, cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"},
    )  # fmt: skip
    rows = stub.history[first.run_id]
    assert [row["iteration"] for row in rows if "loss/generator" in row] == [1, 2, 3, 4, 5, 6]
    assert [row["_step"] for row in rows] == list(range(8))
    assert len([name for name in stub.uploads if name.endswith(".png")]) == 2


def test_disabled_does_nothing(tmp_path: Path) -> None:
    logger = make(tmp_path / "run", mode="disabled")
    logger.log_hyperparams({"a": 1})
    log_something(logger, range(1, 2))
    logger.finalize("success")
    assert not (tmp_path / "run").exists()


def test_other_ranks_open_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = make(tmp_path / "run", mode="offline")
    logger.log_hyperparams({"a": 1})
    log_something(logger, range(1, 2))
    logger.experiment.log({"a": 1})
    logger.finalize("success")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_variables_of_wandb_decide_where_no_setting_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an agent of a W&B sweep sets them; the offline file says the same."""
    given = {
        "PROJECT": "mine",
        "NAME": "first",
        "TAGS": "a, b",
        "RUN_ID": "abc123",
        "SWEEP_ID": "sw33p",
        "RUN_GROUP": "seeds",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    logger = make(tmp_path, project=None)
    logger.log_hyperparams({"study": {}})
    logger.log_summary({"result": "It helps.", "test/accuracy": 0.9})
    close(logger)
    found = offline_run(tmp_path)
    run = found["run"]
    assert (run.project, run.display_name, list(run.tags), run.run_group) == ("mine", "first", ["a", "b"], "seeds")
    assert (run.run_id, run.sweep_id, run.job_type) == ("abc123", "sw33p", "study")
    assert {"result": "It helps.", "test/accuracy": 0.9}.items() <= found["summary"].items()


def test_a_run_is_called_by_its_directory_and_a_job_of_a_sweep_by_what_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_NAME", raising=False)
    unset = {"project": None, "entity": None, "name": None, "group": None, "tags": []}
    assert labels(Path("logs/train/t_rpgan_digits_7"), **unset)["name"] == "t_rpgan_digits_7"
    assert labels(Path("logs/train/t_sweep_7/0_seed-1"), **unset)["name"] == "t 0_seed-1"
    assert labels(Path("x"), **unset)["project"] == "sparring"
    assert labels(Path("x"), **{**unset, "project": "set", "name": "n"})["name"] == "n"
