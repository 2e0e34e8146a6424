"""The address of a Ray: what answers there is tried by another process, here one that imports a module of that name."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sparring.core.errors import ConfigError
from sparring.executor import ray as subject


@pytest.fixture
def listening() -> Iterator[str]:
    """The address of one who accepts connections and says nothing."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import time; time.sleep(60)", "nothing that Ray knows came in 0.5 s"),
        ("raise ConnectionError('version 1 here. Upgrade it.\\nMore.')", "version 1 here"),
        ("raise ConnectionError()", "ConnectionError"),
        ("import os; os._exit(3)", "Ray ended"),
        ("print('Ray talks.'); import os; os.write(1, b'So do its libraries.')", None),
        ("print('Ray talks.', flush=True); raise ConnectionError('version 1 here')", "version 1 here"),
        ("pass", None),
    ],
)
def test_an_address_that_listens_is_tried(
    body: str, why: str | None, listening: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray.py").write_text(f"def init(address, log_to_driver):\n    {body}\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setattr(subject, "_PATIENCE", 0.5 if why and "0.5" in why else 60.0)
    if why is None:
        subject._check_answers(listening)
        return
    with pytest.raises(ConfigError) as error:
        subject._check_answers(listening)
    assert str(error.value).startswith(f"executor.address={listening} does not answer ({why}): give host:port")


class Interrupted(Exception):
    """What a signal raises."""


def test_a_signal_ends_the_process_that_tries(listening: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(*args, **keywords)
            probes.append(self)

    def handler(*_: object) -> None:
        raise Interrupted

    probes: list[Noted] = []
    body = "import os, signal, time\n    os.kill(os.getppid(), signal.SIGUSR1)\n    time.sleep(20)"
    (tmp_path / "ray.py").write_text(f"def init(address, log_to_driver):\n    {body}\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(subprocess, "Popen", Noted)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(Interrupted):
            subject._check_answers(listening)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [probe.returncode for probe in probes] == [-signal.SIGKILL]  # it was not waited for


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nonsense", "no host:port"),
        (":6379", "no host:port"),
        ("10.0.0.1", "no host:port"),
        ("127.0.0.1:9", "refused"),
    ],
)
def test_an_address_where_nobody_listens_is_not(address: str, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"executor.address={address} does not answer .*{why}"):
        subject._check_answers(address)


def test_the_process_of_a_call_ends_also_where_its_answer_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    fake = SimpleNamespace(actor=SimpleNamespace(exit_actor=lambda: ended.append(True)))
    monkeypatch.setitem(sys.modules, "ray", fake)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    runner = subject._Runner()
    with pytest.raises(OSError, match="no space left"):
        runner.run(full)
    assert ended == [True]
    assert runner._uncalled.finished.is_set()
