"""A training as its files tell it."""

from pathlib import Path

from sparring.play.watch import watched


def test_a_run_that_has_not_begun_is_starting(tmp_path: Path) -> None:
    seen = watched(tmp_path / "later")
    assert seen.words == "later is starting."
    assert seen.running


def test_a_run_whose_process_died_first_is_not_starting_for_ever(tmp_path: Path) -> None:
    seen = watched(tmp_path / "later", "error: the disk is full")
    assert seen.words == "later ended before it began: error: the disk is full"
    assert not seen.running
    (tmp_path / "empty" / ".hydra").mkdir(parents=True)
    (tmp_path / "empty" / ".hydra" / "config.yaml").write_text("schema_version: 2\nseed: 1\n")
    assert watched(tmp_path / "empty", "killed").words == "empty ended before it began: killed"
    assert watched(tmp_path / "empty").words == "empty is starting"


def test_a_finished_run_says_so_and_shows_its_curves(victim_run: Path) -> None:
    seen = watched(victim_run, "Report: somewhere")
    assert seen.words.startswith(f"{victim_run.name} is finished, iteration 60: ")
    assert not seen.running
    assert any("<svg" in panel.svg for panel in seen.panels)
    assert seen.samples is None  # a classifier draws nothing
