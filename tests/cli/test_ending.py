"""The last three lines of a command."""

from pathlib import Path

import pytest

from sparring.cli.ending import lines, tell

DRAWN = {
    "verb": "generate",
    "cost": {"images": 100, "seconds": 0.5},
    "files": {"grid": "images/grid.png"},
    "metrics": {},
}


def test_three_lines_with_the_place_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = lines(DRAWN, tmp_path / "run")
    assert told[0] == "Result: 100 images were drawn in 0.5 s."
    assert told[2] == "Images: run/images/grid.png"
    walked = DRAWN | {
        "files": {"grid": "images/grid.png", "morph": "images/morph.png", "morph_gif": "images/morph.gif"}
    }
    told = lines(walked, tmp_path / "run")
    assert told[1].endswith(
        "100 images as grid; seeds and labels are in manifest.csv; morph as images/morph.png and .gif."
    )
    assert told[2] == "Images: run/images/morph.png"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "report.html").touch()
    assert lines(DRAWN, tmp_path / "run")[2] == "Report: run/report.html"


@pytest.mark.parametrize("result", [None, {}, 3])
def test_nothing_is_told_of_a_stage_without_a_result(
    result: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(result, tmp_path)
    assert capsys.readouterr() == ("", "")
