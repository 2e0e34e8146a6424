"""report.html of finished, stopped, broken and empty runs; read back with an HTML parser."""

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import CheckpointError
from sparring.core.picture import grid, write_png
from sparring.report.pictures import data_uri
from sparring.report.record import read
from sparring.report.train import last_and_earlier, shown_path, train_report, training_seconds, view
from sparring.run.directory import RunDir
from tests.report.runs import RESULT, finish, make_run


class Page(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else data

    def images(self) -> list[str]:
        return [attributes["src"] or "" for tag, attributes in self.tags if tag == "img"]


def test_a_finished_run(tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run"))
    RunDir(run).write_result(RESULT)
    page = Page(train_report(run))
    shown = ["rpgan_digits", "Finished", "all 75 iterations", "4,800", "1 min 15 s", "466 MiB", "72,545", "abc123"]
    for words in shown:
        assert words in page.text
    last, real, *earlier = page.images()
    decoded = [Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) for uri in (last, real, *earlier)]
    assert [np.asarray(picture)[10, 10] for picture in decoded] == [120, 0, 40, 80]  # newest, real, then oldest first
    assert sum(tag == "svg" for tag, _ in page.tags) == 4
    assert "1 values were NaN or infinite" in page.text


def test_nothing_is_requested_and_nothing_runs(tmp_path: Path) -> None:
    page = Page(train_report(finish(make_run(tmp_path / "run"))))
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            value = attributes.get(name) or "#"
            assert value.startswith("data:image/" if (tag, name) == ("img", "src") else "#"), (tag, name, value)
    style = (tmp_path / "run" / "report.html").read_text()
    assert "@import" not in style
    assert "url(" not in style.replace("url(#", "")


def test_svg_ids_are_unique_and_references_resolve(tmp_path: Path) -> None:
    page = Page(train_report(finish(make_run(tmp_path / "run"))))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {value[1:] for _, attributes in page.tags if (value := attributes.get("xlink:href") or "").startswith("#")}
    assert used <= set(ids)


def test_everything_is_escaped(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    run = make_run(
        tmp_path / evil.replace("/", ""),
        overrides=f'- "name={evil}"\n',
        metrics=f'iteration,images_seen,"loss/{evil}","{evil}/x"\n1,2,3,4\n',
    )
    config = run / ".hydra" / "config.yaml"
    config.write_text(config.read_text() + f"note: '{evil}</pre><script>alert(2)</script>'\n")
    RunDir(run).write_result({**RESULT, "environment": {evil: evil}, "parameters": {evil: 1}})
    page = Page(train_report(finish(run, reason=evil)))
    assert all(uri.startswith("data:") for uri in page.images())
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(evil) >= 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "word"),
    [("interrupted", "Interrupted"), ("diverged", "Diverged"), ("failed", "Failed"), ("running", "Killed")],
)
def test_runs_that_ended_early(state: str, word: str, tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run"), state, "the reason")
    page = Page(train_report(run))
    assert word in page.text
    assert "of 600 planned" in page.text
    assert "4.0 s" in page.text  # 1600 / 800 + 1600 / 1600 + 1600 / 1600: from the logged speed, without a result


def test_a_run_that_is_going_on(tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run"), "running", "training")
    with RunDir.resume(run):
        assert view(read(run))["state"].word == "Running"


def test_a_killed_run_shows_how_far_it_came(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    RunDir(run).write_status("running", "training has started", None, {"iteration": 0, "images_seen": 0}, None)
    assert read(run).clock == {"iteration": 75, "images_seen": 4800}


def test_a_run_that_left_nothing_but_its_settings(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", images=False, metrics="")
    (run / "metrics.csv").unlink()
    page = Page(train_report(run))
    assert "drew no sample grid" in page.text
    assert "logged no scalars" in page.text
    assert "wrote no status.json" in page.text


def test_broken_files_do_not_stop_the_report(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run / ".hydra" / "config.yaml").write_text("schema_version: 2\na: [1,\n")
    (run / "status.json").write_text("{")
    (run / "result.json").write_text("")
    (run / "images" / "real.png").write_bytes(b"no picture")
    (run / "images" / "samples_00000075.png").write_bytes((run / "images" / "samples_00000075.png").read_bytes()[:40])
    assert "a: [1," in Page(train_report(run)).text


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a run"):
        train_report(tmp_path)


@pytest.mark.slow
def test_the_page_stays_small_with_the_least_compressible_pictures(tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run", images=False))
    noise = torch.randint(0, 256, (100, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    write_png(run / "images" / "real.png", grid(noise, columns=10))
    for iteration in range(8):
        (run / "images" / f"samples_{iteration:08d}.png").write_bytes((run / "images" / "real.png").read_bytes())
    report = train_report(run)
    assert report.stat().st_size < 3_000_000
    assert len(Page(report).images()) == 8


def test_a_picture_is_kept_where_it_fits_and_reduced_where_not(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 4), dtype=np.uint8)
    write_png(tmp_path / "a.png", noise)
    content = (tmp_path / "a.png").read_bytes()
    kept = data_uri(tmp_path / "a.png", most_bytes=len(content))
    assert kept == f"data:image/png;base64,{base64.b64encode(content).decode()}"
    reduced = data_uri(tmp_path / "a.png", most_bytes=20_000)
    assert reduced is not None
    assert reduced.startswith("data:image/webp;base64,")
    assert len(base64.b64decode(reduced.partition(",")[2])) <= 20_000
    assert data_uri(tmp_path / "none.png", most_bytes=10) is None


def test_earlier_grids_are_spread_and_begin_with_the_first(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", images=False)
    for iteration in range(20):
        (run / "images" / f"samples_{iteration:08d}.png").touch()
    (run / "images" / "samples_x.png").touch()
    last, earlier = last_and_earlier(read(run).samples)
    assert last is not None
    assert last.iteration == 19
    assert [sample.iteration for sample in earlier] == [0, 4, 7, 11, 14, 18]
    assert last_and_earlier([]) == (None, [])


def test_a_run_outside_the_repository_is_shown_absolute(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert shown_path(read(run)) == "run"
    config = run / ".hydra" / "config.yaml"
    config.write_text(config.read_text().replace(str(tmp_path), "/somewhere/else"))
    assert shown_path(read(run)) == str(run)


def test_time_from_the_result_wins_over_the_logged_speed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert training_seconds(read(run)) == pytest.approx(1600 / 800 + 1600 / 1600 * 2)
    (run / "result.json").write_text(json.dumps({"schema_version": 2, "cost": {"seconds": 9.5}}))
    assert training_seconds(read(run)) == 9.5
