"""Every run of a folder on one page, from directories as trainings leave them, whole and damaged."""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from sparring.report.record import Series
from sparring.report.runs.colour import colouring
from sparring.report.runs.find import collect, runs_below
from sparring.report.runs.overlay import HEIGHT, POINTS, overlays
from sparring.report.runs.page import write
from sparring.report.runs.parallel import parallel
from sparring.report.runs.row import RunRow
from tests.report.runs import RESULT, finish, make_run


def a_run(
    path: Path, overrides: str, *, accuracy: float | None = None, images: int = 100, pictures: bool = True
) -> Path:
    run = finish(make_run(path, overrides=overrides, images=pictures))
    if accuracy is not None:
        protocol = {"split": "test", "images": images}
        metric = {"value": accuracy, "std": None, "interval": None, "protocol": protocol, "direction": "higher"}
        result = {**RESULT, "schema_version": 2, "verb": "train", "metrics": {"test/accuracy": metric}}
        (run / "result.json").write_text(json.dumps(result))
    return run


def page_of(folder: Path, rows: list[RunRow] | None = None) -> str:
    rows = collect([folder], root=folder) if rows is None else rows
    return write(
        folder, rows, kind="runs", ending="Ended.", page=folder / "report.html", table=folder / "report.csv"
    ).read_text()


def cells(page: str, number: int) -> list[str]:
    """The texts of a row."""
    row = re.search(rf'<tr id="run-{number}">(.*?)</tr>', page)
    assert row is not None
    return [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", row[1])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    a_run(tmp_path / "a", "- model=rpgan\n- seed=1\n", accuracy=0.8)
    a_run(tmp_path / "deep" / "b", "- model=dcgan\n- trainer.max_steps=50\n", accuracy=0.9)
    return tmp_path


def test_a_choice_that_was_not_typed_is_filled_in_from_the_settings(folder: Path) -> None:
    rows = collect([folder], root=folder)
    assert [row.directory for row in rows] == ["a", "deep/b"]
    assert rows[0].overrides == {"model": "rpgan", "seed": "1", "trainer.max_steps": "600"}
    assert rows[1].overrides == {"model": "dcgan", "seed": "1", "trainer.max_steps": "50"}


def test_a_row_has_choices_metrics_cost_state_and_a_link(folder: Path) -> None:
    (folder / "deep" / "b" / "report.html").touch()
    page = page_of(folder)
    assert cells(page, 0) == ["a train", "", "finished", "rpgan", "600", "0.8", "1 min 15 s"]
    assert cells(page, 1)[3:6] == ["dcgan", "50", "0.9"]
    assert 'href="deep/b/report.html"' in page
    assert "Best test/accuracy: <b>0.9</b>" in page
    assert page.count('src="data:image/webp') == 2
    assert page.count('data-run="1"') == page.count('data-run="0"') > 2  # curves, and parallel coordinates
    assert "seed=1" in page  # the same in both
    assert "//" not in re.sub(r'"data:[^"]*"', "", page)  # no address
    assert (folder / "report.csv").read_text().splitlines()[1].startswith(",rpgan,600,finished")


def test_values_of_different_protocols_are_marked_and_have_no_winner(folder: Path) -> None:
    a_run(folder / "c", "- seed=2\n", accuracy=0.99, images=10)
    page = page_of(folder)
    marked = [next(cell for cell in cells(page, i) if cell[:2] == "0.") for i in range(3)]
    assert marked == ["0.8a", "0.99b", "0.9a"]
    assert "Best test/accuracy" not in page
    assert "<b>b</b> images: 10" in page


DAMAGES = {
    "no settings": lambda run: (run / ".hydra" / "config.yaml").unlink(),
    "settings": lambda run: (run / ".hydra" / "config.yaml").write_text("schema_version: 2\na: [1"),
    "overrides": lambda run: (run / ".hydra" / "overrides.yaml").write_bytes(b"\xff\x00"),
    "status": lambda run: (run / "status.json").write_text("{"),
    "result": lambda run: (run / "result.json").write_text('{"schema_version": 2, "metrics": [1]}'),
    "number": lambda run: (run / "result.json").write_text('{"schema_version": 2, "metrics": {"a/b": {"value": "x"}}}'),
    "old": lambda run: (run / "result.json").write_text('{"schema_version": 1, "metrics": {}}'),
    "curves": lambda run: (run / "metrics.csv").write_text("iteration,images_seen\n1\n\0\n2,x,3\n"),
    "picture": lambda run: (run / "images" / "samples_00000075.png").write_bytes(b"PNG"),
}


def test_damaged_runs_are_shown_as_such_and_stop_nothing(folder: Path) -> None:
    for name, damage in DAMAGES.items():
        damage(a_run(folder / "damaged" / name, "- seed=3\n", accuracy=0.5))
    rows = {row.directory.removeprefix("damaged/"): row for row in collect([folder], root=folder)}
    page = page_of(folder)
    states = {name: rows[name].state for name in DAMAGES}
    assert states == dict.fromkeys(DAMAGES, "damaged") | dict.fromkeys(
        ("settings", "overrides", "curves", "picture"), "finished"
    )
    assert "has no .hydra/config.yaml" in rows["no settings"].reason
    assert all(rows[name].reason for name, state in states.items() if state == "damaged")
    assert rows["no settings"].overrides["seed"] == "3"
    assert len(re.findall(r'<tr id="run-', page)) == len(rows) == 2 + len(DAMAGES)


def test_a_job_that_was_never_started_stays_on_the_page_of_a_sweep(folder: Path) -> None:
    (folder / "sweep.csv").write_text(
        "job,model,state,exit_code,seconds,directory\n0,x,finished,0,1,a\n1,y,not started,,,z\n"
    )
    last = collect([folder], root=folder)[-1]
    assert (last.state, last.directory, last.overrides) == ("not started", "z", {"model": "y"})


def test_runs_inside_of_a_run_are_its_own_business(folder: Path) -> None:
    a_run(folder / "a" / "cells" / "x", "[]\n")
    assert [path.name for path in runs_below(folder)] == ["a", "b"]
    assert [path.name for path in runs_below(folder / "a")] == ["x"]
    assert [path.name for path in runs_below(folder / "deep" / "b")] == ["b"]


def test_texts_are_escaped_and_the_script_is_the_only_one_that_may_run(folder: Path) -> None:
    evil = "<script>alert(1)</script>"
    odd = RunRow(
        3, {"name": evil}, evil, 1.0, 3, evil, reason=evil, result={"verb": "train", "metrics": {}, "remarks": [evil]}
    )
    page = page_of(folder, [*collect([folder], root=folder), odd])
    assert page.count("<script>") == 1
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-" in page


def test_curves_lie_in_one_chart_and_outliers_at_its_border() -> None:
    calm = [Series("loss/generator", [float(x) for x in range(100)], [1.0 + x / 100 for x in range(100)], 0)]
    wild = [Series("loss/generator", [99.0], [1e9], 2)]
    rows = [RunRow(i, {}, "finished", None, 0, str(i), series=series) for i, series in enumerate([calm, wild])]
    (chart,) = overlays(rows, [1, 2])
    line = re.search(r'c1" data-run="0" d="(.*?)"', chart.svg)
    assert line is not None
    assert line[1].count("L") == POINTS - 1
    heights = [float(each) for each in re.findall(r" ([\d.]+)(?=L|$|h)", line[1])]
    assert heights == sorted(heights, reverse=True)  # up on the page is less
    assert max(heights) <= HEIGHT
    assert 'data-run="1" d="M454 8.0h0"' in chart.svg
    assert (
        chart.note
        == "2 values lie beyond the axis and are drawn at its border; 2 values were NaN or infinite and are not drawn."
    )


def test_parallel_coordinates_put_good_values_up_and_break_where_there_is_none() -> None:
    def row(width: str | None, value: float | None) -> RunRow:
        result = {} if value is None else {"metrics": {"test/ece": {"value": value}}}
        choices = {"model": "a"} | ({"width": width} if width else {})
        return RunRow(None, choices, "finished", None, 0, "x", result=result)

    svg = parallel([row("8", 0.1), row("16", 0.3), row("16", None)], ["width", "model"], {"test/ece": True}, [1, 1, 1])
    assert svg is not None
    paths = re.findall(r'd="(M70 [^"]*)"', svg)
    assert paths[:3] == ["M70 256.0L220 149.0L370 42.0", "M70 42.0L220 149.0L370 256.0", "M70 42.0L220 149.0"]
    assert parallel([row("8", 0.1)], ["width"], {"test/ece": True}, [1]) is None


def test_runs_share_the_colour_of_the_first_choice_with_few_values() -> None:
    rows = [RunRow(None, {"seed": str(i), "model": "ab"[i % 2]}, "finished", None, 0, str(i)) for i in range(8)]
    found = colouring(rows)
    assert (found.title, found.names, found.numbers) == ("model", ["a", "b"], [1, 2] * 4)
    assert colouring([RunRow(None, {"seed": str(i)}, "finished", None, 0, str(i)) for i in range(8)]).numbers == [1] * 8


def test_many_runs_are_shown_without_torch(tmp_path: Path) -> None:
    """A thousand take 7 CPU seconds and 6 MB (docs/measurements.md)."""
    for i in range(40):
        a_run(tmp_path / f"{i // 10}" / f"{i}", f"- seed={i}\n- model.width={i % 7}\n", accuracy=i / 40, pictures=False)
    code = """
import sys
from pathlib import Path
from sparring.report.runs.find import collect
from sparring.report.runs.page import write
folder = Path(sys.argv[1])
write(folder, collect([folder], root=folder), kind="runs", ending="", page=folder / "a.html", table=folder / "a.csv")
assert not {"torch", "matplotlib", "lightning"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    page = (tmp_path / "a.html").read_text()
    assert page.count('<tr id="run-') == 40
    assert len(page) < 40 * 4000 + 40_000
