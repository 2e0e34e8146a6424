"""Executors whose calls outlive the program that gave them: they are found again, and not started twice."""

import importlib.util
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import ConfigError
from sparring.executor.base import Detached
from sparring.executor.support.answer import WorkerDied
from sparring.run.settings import read_settings
from sparring.stage import call
from sparring.study.engine.display import Progress
from sparring.study.engine.run import run
from tests.study.toy import planned, stage

__all__ = ["stage"]


class Cluster:
    """Holds calls until `go`, as a queue does."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], Any]] = {}
        self.started = 0

    def go(self) -> None:
        for name, made in list(self.waiting.items()):
            made()
            del self.waiting[name]


class Engine(Detached):
    """A program that uses the cluster."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        super().__init__(workers=2, threads=1, run_dir=str(folder))
        self.cluster = cluster

    def _start(self, fn: Callable[..., Any], *args: Any) -> str:
        self.cluster.started += 1
        self.cluster.waiting[f"job{self.cluster.started}"] = lambda: fn(*args)
        return f"job{self.cluster.started}"

    def _alive(self, job: str) -> bool:
        return job in self.cluster.waiting

    def _cancel(self, job: str) -> None:
        del self.cluster.waiting[job]

    def _log(self, job: str) -> str:
        return "its log"

    @staticmethod
    def own_name() -> str:
        return "job1"


def record(file: Path, value: int) -> int:
    file.write_text(json.dumps(value))
    return value


def reader(file: Path) -> Callable[[], int | None]:
    return lambda: json.loads(file.read_text()) if file.exists() else None


@pytest.mark.slow
def test_a_call_of_an_earlier_program_is_found_again(tmp_path: Path) -> None:
    cluster, file = Cluster(), tmp_path / "record.json"
    first = Engine(cluster, tmp_path / "study")
    lost = first.submit_at(tmp_path / "cell", "key", record, file, 5)
    first.shutdown(cancel_futures=True)
    assert isinstance(lost.exception(), WorkerDied)
    second = Engine(cluster, tmp_path / "study")
    found = second.rejoin(tmp_path / "cell", "key", reader(file))
    assert found is not None
    assert second.rejoin(tmp_path / "another", "key", reader(file)) is None
    cluster.go()
    assert found.result(timeout=5) == 5
    assert cluster.started == 1
    assert second.rejoin(tmp_path / "cell", "key", reader(file)) is None  # it has ended


def test_a_call_for_something_else_is_ended(tmp_path: Path) -> None:
    cluster, file = Cluster(), tmp_path / "record.json"
    engine = Engine(cluster, tmp_path / "study")
    engine.submit_at(tmp_path / "cell", "key", record, file, 5)
    assert engine.rejoin(tmp_path / "cell", "other key", reader(file)) is None
    assert not cluster.waiting


class Killed(Engine):
    """A program that is killed as soon as the cluster has a call."""

    def _start(self, fn: Callable[..., Any], *args: Any) -> str:
        super()._start(fn, *args)
        raise KeyboardInterrupt


def test_a_kill_right_after_the_submission_starts_nothing_twice(tmp_path: Path) -> None:
    cluster, calls = Cluster(), tmp_path / "calls"

    def count() -> int:
        calls.write_text(calls.read_text() + "x" if calls.exists() else "x")
        return 5

    with pytest.raises(KeyboardInterrupt):
        Killed(cluster, tmp_path / "study").submit_at(tmp_path / "cell", "key", count)
    second = Engine(cluster, tmp_path / "study")
    assert second.rejoin(tmp_path / "cell", "key", lambda: None) is None  # it has not begun, and never will
    future = second.submit_at(tmp_path / "cell", "key", count)
    cluster.go()  # both calls
    assert future.result(timeout=5) == 5
    assert calls.read_text() == "x"


def test_a_call_that_began_before_its_note_is_found_by_its_own_name(tmp_path: Path) -> None:
    cluster, file = Cluster(), tmp_path / "record.json"
    with pytest.raises(KeyboardInterrupt):
        Killed(cluster, tmp_path / "study").submit_at(tmp_path / "cell", "key", record, file, 5)
    begun = cluster.waiting["job1"]
    begun()
    found = Engine(cluster, tmp_path / "study").rejoin(tmp_path / "cell", "key", reader(file))
    assert found is not None
    assert found.result(timeout=5) == 5
    assert cluster.started == 1


@pytest.mark.slow
def test_a_call_that_dies_or_fails_ends_its_future_alone(tmp_path: Path) -> None:
    engine = Engine(Cluster(), tmp_path)
    dead, fails, works = engine.submit(abs, -1), engine.submit(int, "x"), engine.submit(abs, -2)
    del engine.cluster.waiting["job1"]
    engine.cluster.go()
    with pytest.raises(WorkerDied, match="its log"):
        dead.result(timeout=5)
    with pytest.raises(RuntimeError, match="ValueError"):
        fails.result(timeout=5)
    assert works.result(timeout=5) == 2
    engine.shutdown()
    assert not list(tmp_path.glob("jobs/*.answer"))


def test_an_engine_that_does_not_answer_any_more_ends_the_call(tmp_path: Path) -> None:
    class Silent(Engine):
        def _alive(self, job: str) -> bool:
            raise ConnectionError("no answer")

    future = Silent(Cluster(), tmp_path).submit(abs, -1)
    with pytest.raises(WorkerDied, match=r"nothing is known of it any more \(no answer; its log"):
        future.result(timeout=5)


@pytest.mark.slow
def test_a_study_that_was_killed_waits_for_the_cells_that_run(tmp_path: Path, stage: list[str]) -> None:
    cells, cluster = [planned(tmp_path, "a"), planned(tmp_path, "b", "a")], Cluster()

    class KilledOnceRunning(Progress):
        def tick(self) -> None:
            if cluster.waiting:
                raise KeyboardInterrupt

    def go(engine: Engine, progress: type[Progress]) -> Any:
        with progress(cells, tmp_path / "cells.csv", workers=2, line_seconds=60) as watcher:
            return run(cells, engine, watcher, retry=False, workers=2, call=call, archive=tmp_path / "archive")

    first = Engine(cluster, tmp_path / "study")
    with pytest.raises(KeyboardInterrupt):
        go(first, KilledOnceRunning)
    first.shutdown(cancel_futures=True)
    second = Engine(cluster, tmp_path / "study")
    for seconds in (0.5, 2.0):  # the first cell ends, and the one that needs it
        threading.Timer(seconds, cluster.go).start()
    outcomes = go(second, Progress)
    assert [each.state for each in outcomes.values()] == ["finished", "finished"]
    assert stage == ["a", "b"]
    assert cluster.started == 2
    assert read_settings(tmp_path / "a")["steps"] == 5


@pytest.mark.parametrize(
    ("name", "extra", "change"),
    [
        ("submitit", "slurm", {"cluster": "local", "minutes": 5, "parameters": None}),
        ("ray", "ray", {"address": None}),
    ],
)
class TestEngines:
    @staticmethod
    def made(name: str, folder: Path, change: dict[str, Any]) -> Detached:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed.")
        module = importlib.import_module(f"sparring.executor.{name}")
        settings = {"workers": 2, "threads": 1, "cpus": 1, "gpus": 0, "run_dir": str(folder), **change}
        made: Detached = getattr(module, name.capitalize())(**settings)
        return made

    def test_one_that_is_not_installed_says_its_extra(
        self, name: str, extra: str, change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, name, None)
        module = importlib.import_module(f"sparring.executor.{name}")
        settings = {"workers": 2, "threads": 1, "cpus": 1, "gpus": 0, "run_dir": str(tmp_path), **change}
        with pytest.raises(ConfigError, match=rf"pip install .*\[{extra}\]"):
            getattr(module, name.capitalize())(**settings)

    @pytest.mark.slow
    def test_calls_run_elsewhere_and_are_found_again(
        self, name: str, extra: str, change: dict[str, Any], tmp_path: Path
    ) -> None:
        engine, file = self.made(name, tmp_path / "study", change), tmp_path / "record.json"
        future = engine.submit_at(tmp_path / "cell", "key", record, file, 5)
        again = engine.rejoin(tmp_path / "cell", "key", reader(file))
        other = engine.submit(os.getpid)
        assert again is not None
        assert again.result(timeout=200) == future.result(timeout=200) == 5
        assert other.result(timeout=200) != os.getpid()
        engine.shutdown()


def test_what_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    from sparring.executor.submitit import Submitit

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="sbatch, which this machine does not have"):
        Submitit(cluster="slurm", workers=1, threads=1, gpus=0, cpus=1, minutes=1, parameters={}, run_dir=str(tmp_path))
    with pytest.raises(ConfigError, match=r"executor.parameters=gpu must be a section: write"):
        Submitit(
            cluster="local", workers=1, threads=1, gpus=0, cpus=1, minutes=1, parameters="gpu", run_dir=str(tmp_path)
        )  # type: ignore[arg-type]
    pytest.importorskip("ray")
    from sparring.executor.ray import Ray

    with pytest.raises(ConfigError, match=r"127.0.0.1:9 does not answer"):
        Ray(address="127.0.0.1:9", workers=1, threads=1, cpus=1, gpus=0, run_dir=str(tmp_path))
