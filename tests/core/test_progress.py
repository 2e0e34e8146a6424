"""Lines where there is no terminal, and what they say."""

import time

import pytest

from sparring.core import progress
from sparring.core.progress import Progress, clock, elsewhere, heartbeat, tracked, working


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which the test sets."""
    time_of = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: time_of[0])
    return time_of


def test_a_line_tells_percent_speed_time_and_time_left(now: list[float]) -> None:
    counted = Progress("iteration", 150)
    assert counted.line() == "iteration 0/150, 0 %, 0 s"
    now[0] += 10
    counted.update(50, "loss D 0.491")
    assert counted.line() == "iteration 50/150, 33 %, 5 it/s, 10 s, 20 s left, loss D 0.491"
    now[0] += 20
    counted.update(150)
    assert counted.line() == "iteration 150/150, 100 %, 5 it/s, 30 s, loss D 0.491"


def test_speed_is_that_of_this_process(now: list[float]) -> None:
    resumed = Progress("iteration", 200, done=100)
    now[0] += 10
    resumed.update(150)
    assert resumed.line() == "iteration 150/200, 75 %, 5 it/s, 10 s, 10 s left"


def test_work_of_unknown_length(now: list[float]) -> None:
    searching = working("features of test")
    now[0] += 65
    assert searching.line() == "features of test, 1 min 05 s"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_lines_come_while_nothing_moves(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("images", 3, seconds=0.02):
        time.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("images 0/3, 0 %, 0 s") for line in lines)


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(tracked("abc", "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


def test_the_end_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    counted = Progress("iteration", 1)
    with counted:
        counted.update(1)
        counted.close(last=True)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_heartbeat_speaks_for_work_that_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with heartbeat("explain", seconds=0.02):
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert set(lines) == {"explain, 0 s"}


def test_a_heartbeat_is_silent_where_somebody_else_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    with elsewhere(), heartbeat("study", seconds=0.02):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""
    with Progress("images", 3, seconds=0.02), heartbeat("attack", seconds=0.02):
        time.sleep(0.1)
    assert {line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()} == {"images"}


@pytest.mark.slow
def test_many_short_pieces_of_work_are_not_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with heartbeat("attack", seconds=0.2):
        for name in "abcdef":
            with Progress(name, seconds=0.2):
                time.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line[0] in "abcdef" for line in lines)
