"""The engine on cells that cost nothing: order, cache, failures, and what a stopped run leaves."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import Interrupted
from sparring.executor.inline import Inline
from sparring.run.directory import RunDir
from sparring.stage import call
from sparring.study.engine.display import Progress
from sparring.study.engine.plan import Planned
from sparring.study.engine.run import CellOutcome, run
from sparring.study.engine.work import OUTPUT, RECORD
from tests.study.toy import planned, stage

__all__ = ["stage"]


def go(folder: Path, cells: Sequence[Planned], *, retry: bool = False) -> dict[str, CellOutcome]:
    with Progress(cells, folder / "cells.csv", workers=1, line_seconds=60) as progress, Inline(threads=1) as executor:
        return run(cells, executor, progress, retry=retry, workers=1, call=call, archive=folder / "archive")


def value(folder: Path, name: str) -> int:
    return json.loads((folder / name / "result.json").read_text())["value"]


def test_inputs_come_first_and_are_read_by_those_that_need_them(tmp_path: Path, stage: list[str]) -> None:
    cells = [planned(tmp_path, "c", "a", "b"), planned(tmp_path, "a"), planned(tmp_path, "b", "a")]
    outcomes = go(tmp_path, cells)
    assert stage == ["a", "b", "c"]
    assert list(outcomes) == ["c", "a", "b"]
    assert all(each.state == "finished" and not each.reused for each in outcomes.values())
    assert value(tmp_path, "c") == 1 + 1 + 2
    assert (tmp_path / "a" / OUTPUT).read_text() == "toy a\n"
    opened = RunDir.open(tmp_path / "a")  # as a later cell opens it
    assert (opened.config["steps"], opened.overrides) == (5, ["act=none"])


def test_a_finished_cell_is_not_run_again(tmp_path: Path, stage: list[str]) -> None:
    cells = [planned(tmp_path, "a"), planned(tmp_path, "b", "a")]
    go(tmp_path, cells)
    stage.clear()
    again = go(tmp_path, cells)
    assert stage == []
    assert all(each.reused for each in again.values())
    go(tmp_path, [cells[0], planned(tmp_path, "b", "a", key="other")])
    assert stage == ["b"]
    assert (tmp_path / "archive" / "b.1" / RECORD).exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result.json", '{"value": 7}'), ("result.json", ""), ("result.json", '{"value":'), ("result.json", None),
        ("weights.safetensors", "half"), (RECORD, '{"key": "k"}'),
    ],
)  # fmt: skip
def test_a_damaged_cell_runs_again_and_no_other(
    name: str, content: str | None, tmp_path: Path, stage: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = RunDir.write_result

    def with_weights(directory: RunDir, result: dict[str, Any]) -> None:
        original(directory, result)
        directory.weights.write_text("whole")

    monkeypatch.setattr(RunDir, "write_result", with_weights)
    cells = [planned(tmp_path, "a"), planned(tmp_path, "b", "a")]
    go(tmp_path, cells)
    stage.clear()
    if content is None:
        (tmp_path / "a" / name).unlink()
    else:
        (tmp_path / "a" / name).write_text(content)
    outcomes = go(tmp_path, cells)
    assert stage == ["a"]
    assert (value(tmp_path, "a"), value(tmp_path, "b"), outcomes["b"].reused) == (1, 2, True)
    assert (tmp_path / "archive" / "a.1").exists()


def test_weights_that_were_removed_to_save_space_are_no_damage(tmp_path: Path, stage: list[str]) -> None:
    go(tmp_path, [planned(tmp_path, "a")])
    stage.clear()
    (tmp_path / "a" / OUTPUT).unlink()
    assert go(tmp_path, [planned(tmp_path, "a")])["a"].reused


def test_an_unfinished_cell_is_archived_and_run_again(tmp_path: Path, stage: list[str]) -> None:
    cells = [planned(tmp_path, "a")]
    for number in (1, 2):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / "weights.safetensors").write_text(f"half {number}")
        assert go(tmp_path, cells)["a"].state == "finished"
        assert (tmp_path / "archive" / f"a.{number}" / "weights.safetensors").read_text() == f"half {number}"
        (tmp_path / "a" / RECORD).write_text('{"key": "k", "sta')  # a crash while it was written
    assert stage == ["a", "a"]


@pytest.mark.parametrize(
    ("act", "reason"),
    [("data", "the images are missing: say data.path=<folder>."), ("bug", "RuntimeError: a programming error")],
)
def test_a_failed_cell_ends_its_dependants_and_nothing_else(
    act: str, reason: str, tmp_path: Path, stage: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [
        planned(tmp_path, "bad", act=act), planned(tmp_path, "child", "bad"), planned(tmp_path, "grandchild", "child"),
        planned(tmp_path, "good"),
    ]  # fmt: skip
    outcomes = go(tmp_path, cells)
    assert stage == ["bad", "good"]
    assert {name: each.state for name, each in outcomes.items()} == {
        "bad": "failed", "child": "skipped", "grandchild": "skipped", "good": "finished",
    }  # fmt: skip
    assert outcomes["bad"].reason == reason
    assert outcomes["grandchild"].reason == "needs child, which was skipped"
    assert "Traceback" in (tmp_path / "bad" / OUTPUT).read_text()
    assert f"cell bad failed: {reason}" in capsys.readouterr().err
    table = (tmp_path / "cells.csv").read_text().splitlines()
    assert table[0] == "cell,verb,state,seconds,reason,key"
    assert table[1].startswith("bad,toy,failed,")
    assert table[2].startswith('child,toy,skipped,0.0,"needs bad, which failed"')


def test_failed_cells_are_tried_again_on_request_only(tmp_path: Path, stage: list[str]) -> None:
    bad = [planned(tmp_path, "bad", act="data"), planned(tmp_path, "child", "bad"), planned(tmp_path, "good")]
    go(tmp_path, bad)
    stage.clear()
    outcomes = go(tmp_path, bad)
    assert stage == []
    assert (outcomes["bad"].state, outcomes["child"].state) == ("failed", "skipped")
    fixed = [planned(tmp_path, "bad"), *bad[1:]]
    outcomes = go(tmp_path, fixed, retry=True)
    assert stage == ["bad", "child"]
    assert {each.state for each in outcomes.values()} == {"finished"}
    assert (tmp_path / "archive" / "bad.1").exists()


def test_a_stop_leaves_no_record_of_the_cell_it_hit(tmp_path: Path, stage: list[str]) -> None:
    cells = [planned(tmp_path, "a"), planned(tmp_path, "b", act="stop"), planned(tmp_path, "c")]
    with pytest.raises(Interrupted):
        go(tmp_path, cells)
    assert stage == ["a", "b"]
    assert not (tmp_path / "b" / RECORD).exists()
    assert "b,toy,running" in (tmp_path / "cells.csv").read_text()
    go(tmp_path, [planned(tmp_path, name) for name in "abc"])
    assert stage == ["a", "b", "b", "c"]


def test_the_time_left_is_that_of_cells_of_the_same_kind(tmp_path: Path) -> None:
    cells = [planned(tmp_path, f"r{r}/{arm}", arm=arm, replicate=r) for r in range(3) for arm in ("fast", "slow")]
    progress = Progress(cells, tmp_path / "cells.csv", workers=2, line_seconds=60)
    assert progress.seconds_left() is None
    progress.ended("r0/fast", CellOutcome("finished", "", 2.0, reused=False))
    assert progress.seconds_left() == pytest.approx(5 * 2 / 2)
    progress.ended("r0/slow", CellOutcome("finished", "", 10.0, reused=False))
    assert progress.seconds_left() == pytest.approx((2 * 2 + 2 * 10) / 2)
    assert progress.line() == "2/6 cells, 12 s left"
