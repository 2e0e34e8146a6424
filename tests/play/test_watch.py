"""A training as its files tell it."""

from pathlib import Path

from sparring.play.watch import watched


def test_a_run_that_has_not_begun_is_starting(tmp_path: Path) -> None:
    seen = watched(tmp_path / "later")
    assert seen.words == "later is starting."
    assert seen.running


def test_a_finished_run_says_so_and_shows_its_curves(victim_run: Path) -> None:
    seen = watched(victim_run)
    assert seen.words.startswith(f"{victim_run.name} is finished, iteration 60: ")
    assert not seen.running
    assert any("<svg" in panel.svg for panel in seen.panels)
    assert seen.samples is None  # a classifier draws nothing
