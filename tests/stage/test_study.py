"""The study verb as a user runs it, with real trainings: cache, kills, failures, refusals, and the page in the end."""

import re
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sparring.run.directory import RunDir
from tests.conftest import ROOT
from tests.warm import WARM

pytestmark = pytest.mark.slow

CONF = f"{ROOT}/tests/study/conf"
PLACE = f"hydra.searchpath=[file://{CONF}]"
EXAMPLE = ["--config-dir", CONF, "study=example", "extensions=[tests]", "data.image_size=8"]


def command(*overrides: str) -> list[str]:
    return [sys.executable, str(ROOT / "study.py"), *overrides]


def study(*overrides: str, code: int = 0) -> str:
    """Run the command; returns what it said on stderr, then its last lines on stdout."""
    done = WARM.run(command(*overrides)[1:], cwd=ROOT, timeout=280)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stderr + done.stdout


def hint(said: str, words: str) -> list[str]:
    """What follows the program in the command that is printed after `words`, which is to be typed in the repository."""
    program, script, *others = shlex.split(said.partition(words)[2].splitlines()[0])
    assert Path(program).name.startswith("python")
    assert script == "study.py"
    return others


def result(folder: Path) -> dict[str, Any]:
    return RunDir.open(folder).result()


def started(folder: Path) -> dict[str, float]:
    """When the record of each cell was written."""
    return {
        str(path.parent.relative_to(folder / "cells")): path.stat().st_mtime
        for path in folder.glob("cells/*/*/cell.json")
    }


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"paths.cache_dir={tmp_path_factory.mktemp('cache')}"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, cache: str) -> Path:
    """The example study of two replicates, in one process."""
    folder = tmp_path_factory.mktemp("study") / "example"
    said = study(*EXAMPLE, cache, f"dir={folder}", "executor=inline")
    assert f"Report: {folder / 'report.html'}" in said
    return folder


def test_the_result_holds_everything(finished: Path) -> None:
    content = result(finished)
    assert RunDir.open(finished).status()["state"] == "finished"
    assert set(content["cells"]) == {f"r{r}/{name}" for r in range(2) for name in ("gan", "few", "many")}
    cell = content["cells"]["r0/many"]
    assert (cell["state"], cell["inputs"], cell["tags"]) == ("finished", ["r0/gan"], {"replicate": 0, "arm": "many"})
    assert re.fullmatch("[0-9a-f]{64}", cell["key"])
    (comparison,) = content["analysis"]["comparisons"]
    assert (comparison["values"], comparison["baseline_values"], comparison["delta"]) == ([8, 8], [4, 4], 4)
    assert content["analysis"]["verdict"] == "OPEN"
    assert "not enough replicates" in content["analysis"]["conclusion"]
    assert content["cost"]["kinds"]["train (shared)"]["cells"] == 2
    subsets = [RunDir.open(finished / "cells" / f"r{r}" / "gan").config["data"]["subset_seed"] for r in range(2)]
    assert len(set(subsets)) == 2


def test_the_page_needs_nothing_but_itself(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    assert "Are many images more than few?" in page
    assert ">Open<" in page
    assert page.count("<svg") == 3  # two plots and the differences
    assert page.count("data:image/") == 2
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    table = (finished / "report.md").read_text()
    assert "| many * | 8.00 ± 0.00 | +4.00 | [4.00, 4.00] |" in table


def test_workers_compute_what_this_process_computes(finished: Path, tmp_path: Path, cache: str) -> None:
    folder = tmp_path / "study"
    study(*EXAMPLE, cache, f"dir={folder}", "executor.workers=2")
    ours, theirs = result(folder)["cells"], result(finished)["cells"]
    assert {name: cell["key"] for name, cell in ours.items()} == {name: cell["key"] for name, cell in theirs.items()}
    for r in range(2):
        ours, theirs = (RunDir.open(each / "cells" / f"r{r}" / "gan") for each in (folder, finished))
        assert ours.weights_hash() == theirs.weights_hash()
        grid = Path("cells", f"r{r}", "many", "images", "grid.png")
        assert (folder / grid).read_bytes() == (finished / grid).read_bytes()


@pytest.mark.parametrize("how", ["the same command", "resume"])
def test_finished_cells_are_not_run_again(how: str, finished: Path, cache: str) -> None:
    before = started(finished)
    if how == "resume":
        study(PLACE, "extensions=[tests]", f"resume={finished}")
    else:
        study(*EXAMPLE, cache, f"dir={finished}", "executor=inline")
    assert started(finished) == before
    assert not (finished / "archive").exists()
    assert RunDir.open(finished).status()["state"] == "finished"


def test_a_study_with_other_settings_is_refused(finished: Path, cache: str) -> None:
    before = RunDir.open(finished).status()
    said = study(*EXAMPLE, cache, f"dir={finished}", "study.replicates=3", "seed=2", code=2)
    line = said.splitlines()[-1]
    assert "study.replicates (2 there, 3 here)" in line
    assert "seed (1 there, 2 here)" in line
    assert RunDir.open(finished).status() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_study_goes_on(number: int, tmp_path: Path, cache: str) -> None:
    folder = tmp_path / "study"
    words = command(*EXAMPLE, cache, f"dir={folder}", "study.replicates=6", "executor.workers=1")
    process = WARM.start(words[1:], cwd=ROOT)
    deadline = time.monotonic() + 120
    while len(started(folder)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    done = started(folder)
    assert 2 <= len(done) < 18
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert sorted(hint(stderr, "go on with: ")) == sorted(
            [f"resume={folder}", "--config-dir", CONF, "extensions=[tests]", cache]
        )
        assert RunDir.open(folder).status()["state"] == "interrupted"
    study(PLACE, "extensions=[tests]", cache, f"resume={folder}")
    after = started(folder)
    assert len(after) == 18
    assert {name: after[name] for name in done} == done
    assert result(folder)["analysis"]["verdict"] == "HELPS"


def test_a_failed_cell_is_reported_and_tried_again_on_request(tmp_path: Path, cache: str) -> None:
    folder = tmp_path / "study"
    arms = ["study.arms=[few,many,none]", "executor=inline"]
    said = study(*EXAMPLE, cache, f"dir={folder}", *arms, code=1)
    assert "cell r0/none failed: " in said
    assert "2 cells failed, first r0/none; " in said
    again = hint(said, "try them again with: ")
    assert sorted(again) == sorted(
        [f"resume={folder}", "retry=true", "--config-dir", CONF, "extensions=[tests]", cache]
    )
    content = result(folder)
    assert content["cells"]["r0/none"]["state"] == "failed"
    assert content["analysis"]["comparisons"][0]["n"] == 2
    assert "Runs that did not finish" in (folder / "report.html").read_text()
    before = started(folder)
    study(*EXAMPLE, cache, f"dir={folder}", *arms, code=1)
    assert started(folder) == before
    study(*EXAMPLE, cache, f"dir={folder}", *arms, "retry=true", code=1)
    assert {name for name, time_ in started(folder).items() if time_ != before[name]} == {"r0/none", "r1/none"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study.replicates=1", "study.replicates=1 must be auto or from 2"),
        ("study.arms=[few,mny]", "no 'mny', did you mean many?"),
        ("study.arms=[many]", "study.baseline=few must be one of study.arms"),
        ("study.replicats=3", "did you mean study.replicates?"),
        ("study.smallest_effect=0", "study.smallest_effect=0"),
        ("executor=proces", "did you mean process?"),
    ],
)
def test_what_cannot_work_is_one_sentence(override: str, message: str, tmp_path: Path) -> None:
    said = study(*EXAMPLE, override, f"dir={tmp_path / 'study'}", "executor=inline", code=2)
    *before, sentence = said.splitlines()
    assert message in sentence
    assert all(line.startswith("Run: ") for line in before)


def test_a_study_that_was_refused_before_its_first_cell_can_be_corrected(tmp_path: Path, cache: str) -> None:
    here = f"dir={tmp_path / 'study'}"
    study(*EXAMPLE, cache, here, "executor=inline", "study.arms=[few,mny]", code=2)
    study(*EXAMPLE, cache, here, "executor=inline")
    assert RunDir.open(tmp_path / "study").config["study"]["arms"] == ["few", "many"]
    study(PLACE, "extensions=[tests]", f"resume={tmp_path / 'study'}")
