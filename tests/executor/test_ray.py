"""The address of a Ray: what answers there is tried by another process, here one that imports a module of that name."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

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
