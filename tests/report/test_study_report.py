"""The page and the Markdown of a study, from a result.json alone."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.core.picture import write_png
from sparring.report.plots import PALETTE, panel, pixels
from sparring.report.study import study_report
from sparring.run.directory import RunDir
from sparring.study.stats.families import judged
from sparring.study.stats.statistics import UNDEFINED, Interval
from sparring.study.stats.verdict import Comparison, Verdict, compare
from sparring.study.tables.analysis import Analysis, Line, Picture, Plot, Table
from sparring.study.tables.comparisons import comparison_table, conclusion
from sparring.study.tables.record import analysis_record
from sparring.study.tables.text import interval_text, mean_std, number, p_text, signed

BASE = [90.0, 91.0, 92.0, 90.5, 91.5, 92.5]


def against(delta: float, *, arm: str = "gan", n: int = 6, noise: float = 0.1, **more: Any) -> Comparison:
    base = BASE[:n]
    values = [value + delta + noise * (-1) ** i * (1 + (i // 2) / 10) for i, value in enumerate(base)]
    return compare(values, base, arm=arm, baseline="real", smallest_effect=1.0, **more)


def write(folder: Path, analysis: Analysis, **more: Any) -> Path:
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").write_text(
        "schema_version: 2\nstudy: {replicates: 6}\nseed: 1\ndata: {name: digits}\n"
    )
    (folder / ".hydra" / "overrides.yaml").write_text("['study=<b>x</b>']\n")
    cells = {"r0/gan": {"state": "finished", "reason": "", "seconds": 2.0}} | more.get("cells", {})
    RunDir(folder).write_result(
        {
            "verb": "study", "name": "test", "config_hash": "abc", "data": {"name": "digits"}, "checks": more.get("checks", []),
            "analysis": analysis_record(analysis), "cells": cells, "environment": {"device": "cpu", "usable_cores": 2},
            "cost": {"seconds": 3.0, "cell_seconds": 2.0, "kinds": {"train gan": {"cells": 1, "seconds": 2.0}}},
        }
    )  # fmt: skip
    return study_report(folder)


def full(folder: Path) -> Analysis:
    comparisons = judged(
        [against(2.0, where="50", primary=True), against(0.0, where="100"), against(-3, n=3, where="200")]
    )
    write_png(folder / "grid.png", np.zeros((8, 8, 1), np.uint8))
    curve = Line("gan", (92.0, math.nan, 93.0), (91.0, math.nan, 92.0), (93.0, math.nan, 94.0))
    return Analysis(
        question="Do images of a GAN help <digits>?",
        conclusion="Yes: they do.",
        verdict=comparisons[0].verdict,
        comparisons=comparisons,
        tables=[
            comparison_table(comparisons, title="Accuracy", unit="points", metric="accuracy, %", where="labels"),
            Table("Other", ("a", "b"), (("x|y", "<script>alert(1)</script>"),)),
        ],
        plots=[Plot("Curve", "labels", "accuracy", (50.0, 100.0, 200.0), (curve, curve), log_x=True)],
        pictures=[Picture("Fakes", "grid.png"), Picture("Lost", "nowhere.png")],
        limits=["One data set."],
    )


def test_the_page_holds_everything_and_escapes_it(tmp_path: Path) -> None:
    failed = {"r1/gan": {"state": "failed", "reason": "out of memory", "seconds": 0.0}}
    checks = [
        {
            "arms": ["real", "gan"],
            "where": "50",
            "equal_training": {"iteration": 500, "images_seen": 32000},
            "cells": 12,
        }
    ]
    page = write(tmp_path, full(tmp_path), cells=failed, checks=checks).read_text()
    for text in (
        "Do images of a GAN help &lt;digits&gt;?", "Yes: they do.", "+2.0", "HELPS", "One data set.", "out of memory",
        "real and gan, 50", "500 steps on 32,000 images, in each of 12 runs", "study</th><td>&lt;b&gt;x", "OPEN",
    ):  # fmt: skip
        assert text in page, text
    assert "<script" not in page
    assert page.count("data:image/png") == 1
    assert page.count("<svg") == 1 + 3  # the curve, and a row of the differences for each comparison


def test_the_page_of_a_study_without_arms_or_numbers(tmp_path: Path) -> None:
    page = write(tmp_path, Analysis(question="Why?", conclusion="Conclusion: because.", verdict=None)).read_text()
    assert "Conclusion</span> Because." in page  # the verdict's word once
    assert "Because." in page


def test_markdown_tables_keep_their_shape(tmp_path: Path) -> None:
    write(tmp_path, full(tmp_path))
    text = (tmp_path / "report.md").read_text()
    assert "| labels | arm | accuracy, % |" in text
    assert "x\\|y" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {13, 3}


def test_not_a_number_is_null_in_the_file_and_a_gap_in_the_plot(tmp_path: Path) -> None:
    write(tmp_path, full(tmp_path))
    content = json.loads((tmp_path / "result.json").read_text())["analysis"]
    assert content["plots"][0]["lines"][0]["y"] == [92.0, None, 93.0]
    assert content["comparisons"][2]["p"] is None
    drawn = panel(content["plots"][0])
    assert "nan" not in drawn.svg.lower()
    assert [line.last for line in drawn.lines] == ["93", "93"]


def test_bars_stand_over_names() -> None:
    line = {"label": "gan", "y": [90.0, 95.0], "low": [89.0, 94.0], "high": [91.0, 96.0]}
    plot = {
        "title": "Classes",
        "x_label": "class",
        "y_label": "%",
        "x": ["zero", "one"],
        "lines": [line],
        "log_x": False,
    }
    svg = panel({**plot, "note": ""}).svg
    assert "zero" in svg
    assert "one" in svg


@pytest.mark.parametrize("x", [["zero", "one"], [5.0, 10.0]], ids=["bars", "curves"])
def test_no_axis_of_a_share_goes_beyond_a_hundred(x: list[Any]) -> None:
    line = {"label": "gan", "y": [90.0, 99.5], "low": [88.0, 94.0], "high": [92.0, 105.0]}
    plot = {"title": "t", "x_label": "", "x": x, "lines": [line], "log_x": False, "note": ""}

    def ticks(y_label: str, **more: Any) -> list[int]:
        svg = panel({**plot, "y_label": y_label, **more}).svg
        return [int(text) for text in re.findall(r">(\d{2,3})</text>", svg)]

    wide = {"label": "gan", "y": [40.0, 50.0], "low": [-80.0, -90.0], "high": [160.0, 170.0]}
    svg = panel({**plot, "y_label": "test accuracy, %", "lines": [wide]}).svg
    assert "−" not in svg  # two replicates: an interval below 0 % is cut too
    if not isinstance(x[0], str):  # bars of positive values begin at 0 anyway
        assert "−" in panel({**plot, "y_label": "points", "lines": [wide]}).svg
    assert max(ticks("test accuracy, %")) <= 100
    assert max(ticks("points")) > 100
    assert max(ticks("kept, %", lines=[line | {"y": [90.0, 120.0]}])) > 100  # no share: nothing is cut off


def test_the_table_shows_each_baseline_once_and_drops_an_empty_setting() -> None:
    one = comparison_table(
        [against(1.0, arm="gan"), against(2.0, arm="aug")], title="t", unit="points", metric="accuracy", where="labels"
    )
    assert one.columns[0] == "arm"
    assert [row[0] for row in one.rows] == ["real", "gan", "aug"]
    assert one.rows[0][2] == "baseline"


def test_remarks_are_once_below_the_table() -> None:
    few, also_few, enough = against(2.0, n=3, where="5"), against(1.0, n=3, where="10"), against(2.0, where="20")
    table = comparison_table([few, also_few, enough], title="t", unit="points", metric="accuracy", where="labels")
    assert [row[-1] for row in table.rows] == ["", "OPEN¹", "", "OPEN¹", "", "HELPS"]
    assert table.note.count("¹") == 1
    assert table.note.endswith("¹ Not enough replicates (3, at least 6 are needed for a p-value).")


def test_a_repeated_setting_is_shown_once_on_the_page(tmp_path: Path) -> None:
    table = Table(
        "t", ("setting", "arm"), (("5 labels", "a"), ("5 labels", "b"), ("10 labels", "a"), ("5 labels", "c"))
    )
    page = write(tmp_path, Analysis(question="Why?", conclusion="Because.", verdict=None, tables=[table])).read_text()
    assert page.count('<tr class="repeated"><td>5 labels</td><td>b</td>') == 1
    assert page.count('class="repeated"') == 1


def test_plots_as_pictures_for_places_that_take_no_svg() -> None:
    lines = [{"label": name, "y": y, "low": [], "high": []} for name, y in (("a", [1.0, 2.0]), ("b", [2.0, 1.0]))]
    plot = {"title": "p", "x_label": "x", "y_label": "y", "lines": lines, "log_x": False, "note": ""}
    for x in ([1.0, 2.0], ["one", "two"]):
        picture = pixels({**plot, "x": x})
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3
        assert (picture[0, 0] == 255).all()
        opacity = 0.75 if x == ["one", "two"] else 1.0  # of bars, over white
        for colour in PALETTE[:2]:
            shade = [255 - opacity * (255 - int(colour[i : i + 2], 16)) for i in (1, 3, 5)]
            assert (abs(picture - np.array(shade)) < 1.5).all(axis=2).any()


def test_names_of_positions_do_not_overlap() -> None:
    line = {"label": "l", "y": [1.0] * 5, "low": [], "high": []}
    plot = {"title": "p", "x_label": "", "y_label": "y", "lines": [line], "log_x": False, "note": ""}
    for x, named in (([25, 50, 95.2, 98.7, 100], ["25", "50", "95.2", "100"]), ([1, 2, 3, 4, 5], list("12345"))):
        svg = panel({**plot, "x": [float(value) for value in x]}).svg
        labels = re.findall(r"text-anchor: middle[^>]*>([\d.]+)</text>", svg)
        assert [text for text in labels if text in {f"{value:g}" for value in x}] == named


def test_named_values_are_bars_from_zero_or_points() -> None:
    plot = {"title": "p", "x_label": "", "y_label": "test accuracy, %", "x": ["a", "b"], "log_x": False, "note": ""}

    def markers(*y: float) -> int:
        line = {"label": "l", "y": list(y), "low": [], "high": []}
        return len(
            re.findall(
                r'<use xlink:href="#[^"]*" x="[^"]*" y="[^"]*" style="fill: var', panel(plot | {"lines": [line]}).svg
            )
        )

    assert markers(90.0, 95.0) == 2  # an axis from 0 would hide the difference, a cut bar would inflate it
    assert markers(20.0, 95.0) == 0
    assert markers(-1.0, 2.0) == 0
    (legend,) = panel(plot | {"lines": [{"label": "l", "y": [90.0, 95.0], "low": [], "high": []}]}).lines
    assert legend.last == ""  # the last name's value stands for nothing


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (against(2.0), "Yes: adding fakes helps against real alone, by +2.0"),
        (against(-2.0), "No: adding fakes hurts against real alone, by −2.0"),
        (against(0.0), "No: adding fakes makes no difference larger than 1 points against real alone"),
        (against(0.0, noise=3.0), "that leaves room for a difference of 1 points, which would matter; "),
        (against(2.0, n=3), "not enough replicates (3, at least 6"),
        (against(2.0, n=1), "cannot tell"),
        (against(2.0, n=5, where="50 labels"), "at 50 labels"),
    ],
)
def test_the_conclusion_is_a_sentence(comparison: Comparison, words: str) -> None:
    sentence = conclusion(comparison, arm="adding fakes", baseline="real alone", unit="points", replicates=6)
    assert words in sentence
    assert sentence.endswith(".")
    if comparison.verdict is Verdict.OPEN and comparison.n == 6:
        assert sentence.endswith(f"{comparison.needed:.0f} replicates would probably decide it.")


def test_numbers_as_people_read_them() -> None:
    assert [number(each) for each in (1.005, -2.0, math.nan, math.inf)] == ["1.00", "−2.00", "–", "∞"]
    assert [number(-0.001), number(0.0), signed(0.001), signed(-0.001), signed(0.1)] == [
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "+0.10",
    ]
    assert (mean_std([]), mean_std([1.0]), mean_std([1.0, math.nan, 3.0])) == ("–", "1.00", "2.00 ± 1.41")
    assert (interval_text(UNDEFINED), interval_text(Interval(-1.0, 1.0))) == ("–", "[−1.00, 1.00]")
    assert (p_text(0.0004), p_text(0.03125), p_text(math.nan)) == ("< 0.001", "0.031", "–")
