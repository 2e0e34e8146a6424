"""The verb `report`: where the page goes, and what it refuses. What is on it: tests/report/test_runs_page.py."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from sparring.core.errors import ConfigError
from sparring.stage.report import report
from tests.conftest import command
from tests.report.runs import finish, make_run


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # the checkout may have logs/ of its own
    for name in ("train/a", "train/b", "study/s", "study/s/cells/x"):
        finish(make_run(tmp_path / "logs" / name, images=False))
    return tmp_path / "logs"


def reported(logs: Path, runs: Any, page: Any = None) -> dict[str, Any]:
    return report(OmegaConf.create({"runs": runs, "page": page, "paths": {"log_dir": str(logs)}}), logs)


def test_the_page_lies_in_the_folder_and_never_in_place_of_a_runs_own(logs: Path) -> None:
    result = reported(logs, str(logs))
    assert (result["page"], result["states"]) == (str(logs / "report.html"), "3 runs: 3 finished.")
    assert (logs / "report.csv").exists()
    result = reported(logs, "logs/study/s")  # seen from the folder of logs/
    assert (result["page"], result["runs"]) == (str(logs / "study/s/runs.html"), 1)
    assert reported(logs, ["logs/train", "s"], logs / "new" / "all.html")["runs"] == 3
    assert (
        'data-sort="../train/a"' not in (logs / "new" / "all.html").read_text()
    )  # outside of the page's folder: the whole path


@pytest.mark.parametrize(
    ("runs", "page", "says"),
    [
        ("nowhere", None, "runs=nowhere is no folder"),
        ("logs/empty", None, "there is no run in"),
        (["logs", "logs/study"], None, "2 folders were given"),
        ("logs", "page.pdf", "must be an .html file"),
        ("logs", "logs/train/a/report.html", "no run's own report"),
    ],
)
def test_what_is_refused(runs: Any, page: Any, says: str, logs: Path) -> None:
    (logs / "empty").mkdir()
    with pytest.raises(ConfigError, match=says):
        reported(logs, runs, page)


@pytest.mark.slow
def test_the_command_leaves_its_page_and_nothing_else(logs: Path) -> None:
    before = {path for path in logs.parent.rglob("*") if path.is_file()}
    done = command(f"paths.log_dir={logs}", verb="report", cwd=logs.parent)
    assert done.stdout.splitlines()[0] == "Result: 3 runs: 3 finished."
    assert done.stdout.splitlines()[2] == "Report: logs/report.html"
    after = {path for path in logs.parent.rglob("*") if path.is_file()}
    assert after - before == {logs / "report.html", logs / "report.csv"}
