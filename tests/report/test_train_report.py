"""report.html of finished, stopped, broken and empty runs; read back with an HTML parser."""

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.core.errors import CheckpointError
from sparring.core.picture import grid, write_png
from sparring.report.curves import POINTS, binned, panels, short
from sparring.report.page import duration
from sparring.report.pictures import data_uri
from sparring.report.record import MetricTable, Series, read
from sparring.report.train import commands, last_and_earlier, shown_path, state_of, train_report, training_seconds
from sparring.run.directory import RunDir

CONFIG = """schema_version: 2
name: rpgan_digits
seed: 1
data: {name: digits, image_size: 8, channels: 1, num_classes: 10, batch_size: 64}
model: {generator: {_target_: sparring.model.generator.conv.ConvGenerator}, regularizer: {r1: {}, r2: {}}}
trainer: {max_steps: 600, precision: 32-true, devices: 1}
paths: {root_dir: %s}
"""
METRICS = """iteration,images_seen,loss/generator,loss/discriminator,lr/generator,speed/images_per_second,val/x
25,1600,1.5,0.6,0.002,800,
50,3200,1.25,nan,0.002,1600,0.5
75,4800,0.987,0.7,0.002,1600,
100,64
"""
RESULT = {
    "config_hash": "f" * 64, "data": {"name": "digits", "fingerprints": {"train": "abc123"}}, "metrics": {},
    "parameters": {"generator": 72545}, "environment": {"device": "a computer", "packages": {"torch": "2.13.0"}},
    "cost": {"seconds": 75.0, "seconds_with_set_up": 80.0, "images_seen": 4800, "peak_memory_mb": {"process": 466.1}},
}  # fmt: skip


def make_run(path: Path, *, images: bool = True, metrics: str = METRICS, overrides: str = "- seed=1\n") -> Path:
    (path / ".hydra").mkdir(parents=True)
    (path / "images").mkdir()
    (path / ".hydra" / "config.yaml").write_text(CONFIG % path.parent)
    (path / ".hydra" / "overrides.yaml").write_text(overrides)
    (path / "metrics.csv").write_text(metrics)
    if images:
        for i, name in enumerate(["real", *(f"samples_{iteration:08d}" for iteration in (0, 25, 75))]):
            write_png(
                path / "images" / f"{name}.png", grid(torch.full((4, 1, 8, 8), 40 * i, dtype=torch.uint8), columns=2)
            )
    return path


def finish(path: Path, state: Any = "finished", reason: str = "all 75 iterations") -> Path:
    RunDir(path).write_status(state, reason, 0, {"iteration": 75, "images_seen": 4800}, "checkpoints/last.ckpt")
    return path


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
        assert state_of(read(run)).word == "Running"


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


def test_metrics_columns_rows_and_gaps(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(METRICS)
    table = MetricTable.read(tmp_path / "metrics.csv")
    loss, discriminator, *_, validation = table.series()
    assert loss == Series("loss/generator", [1600, 3200, 4800], [1.5, 1.25, 0.987], 0)
    assert discriminator == Series("loss/discriminator", [1600, 4800], [0.6, 0.7], 1)
    assert validation == Series("val/x", [3200], [0.5], 0)
    assert table.last_clock() == {"iteration": 75, "images_seen": 4800}


def test_binned_averages_neighbours_and_keeps_the_range() -> None:
    x = np.arange(POINTS * 5, dtype=float)
    y = np.random.default_rng(0).normal(size=len(x))
    mean_x, mean_y, low, high = binned(x, y)
    np.testing.assert_allclose(mean_x, x.reshape(POINTS, 5).mean(1))
    np.testing.assert_allclose(mean_y, y.reshape(POINTS, 5).mean(1))
    np.testing.assert_allclose(low, y.reshape(POINTS, 5).min(1))
    np.testing.assert_allclose(high, y.reshape(POINTS, 5).max(1))
    for few in (x[:7], x[: POINTS + 3]):
        assert binned(few, few)[0].sum() > 0
        np.testing.assert_array_equal(binned(x[:7], y[:7])[1], y[:7])


def test_panels_order_and_colours() -> None:
    names = ["speed/images_per_second", "val/x", "lr/g", "penalty/r1", "loss/g", "loss/d", "logits/real"]
    drawn = panels([Series(name, [1.0, 2.0], [1.0, 3.0], 0) for name in names])
    titles = ["Losses", "Discriminator's logits", "Gradient penalties", "Validation", "Learning rates", "Speed"]
    assert [panel.title for panel in drawn] == titles
    assert [(line.label, line.colour, line.last) for line in drawn[0].lines] == [
        ("g", "var(--line-1)", "3"), ("d", "var(--line-2)", "3")
    ]  # fmt: skip
    for panel in drawn:
        assert "var(--line-1)" in panel.svg
        assert "#0a0b" not in panel.svg  # no placeholder is left


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1"),
        (0.754321, "0.754"),
        (-0.1265, "−0.127"),
        (0.002, "0.002"),
        (0.00015, "0.00015"),
        (2e-5, "2e-5"),
        (38400, "38.4k"),
        (3.2e7, "32M"),
        (999, "999"),
        (12.345, "12.3"),
        (2.5e12, "2.5e12"),
        (-1.5e-7, "−1.5e-7"),
    ],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short([value]) == text


def test_durations() -> None:
    assert [duration(seconds) for seconds in (2.24, 75, 3599, 7620)] == [
        "2.2 s",
        "1 min 15 s",
        "59 min 59 s",
        "2 h 07 min",
    ]


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


def test_commands_fit_the_state(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a run", overrides="- name=it's\n- seed=1\n- resume=x\n")
    assert dict(commands(read(run))) == {"Repeat it from the start": "sparring train 'name=it'\"'\"'s' seed=1"}
    (run / "weights.safetensors").touch()
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "last.ckpt").touch()
    typed = dict(commands(read(finish(run, "interrupted"))))
    assert typed["Continue where it stopped"] == "sparring train 'resume=a run'"
    assert typed["Draw images from this generator"] == "sparring generate 'run=a run' count=100 'format=[grid,folder]'"
    assert "trainer.max_steps=150" in dict(commands(read(finish(run))))["Train it for longer"]


def test_commands_name_again_what_no_run_directory_may_choose(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", overrides="- extensions=[mine]\n- model=mine\n")
    (run / ".hydra" / "hydra.yaml").write_text("hydra: {searchpath: ['file:///a/conf'], run: {dir: '${x}'}}\n")
    for name in ("weights.safetensors", "checkpoints/last.ckpt"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).touch()
    typed = dict(commands(read(finish(run, "interrupted"))))
    assert typed["Continue where it stopped"] == "sparring train resume=run --config-dir /a/conf 'extensions=[mine]'"
    again = "sparring train 'extensions=[mine]' model=mine --config-dir /a/conf"
    assert typed["Repeat it from the start"] == again
    assert typed["Draw images from this generator"].endswith(" 'extensions=[mine]'")


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


def test_a_run_with_a_network_made_in_python_names_no_command(tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run"))
    (run / "weights.safetensors").touch()
    settings = run / ".hydra" / "config.yaml"
    built = "_target_: sparring.model.generator.conv.ConvGenerator"
    settings.write_text(settings.read_text().replace(built, "_given_: mine.Net"))
    assert dict(commands(read(run))) == {"Open it in Python": f"sparring.open({str(run)!r}, generator=<the network>)"}
    assert "sparring.open(" in train_report(run).read_text()


def test_a_run_whose_overrides_are_not_known_is_not_repeated_by_a_command(tmp_path: Path) -> None:
    run = finish(make_run(tmp_path / "run"))
    assert "Repeat it from the start" in dict(commands(read(run)))
    (run / ".hydra" / "overrides.yaml").unlink()
    assert "Repeat it from the start" not in dict(commands(read(run)))
