"""Claims: of several calls one begins, on file systems that know hard links, that do not, and that answer twice."""

import errno
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparring.executor.support import answer
from sparring.executor.support.answer import WITHDRAWN, answer_to_file, claimed

link = os.link


def without_links(*_: Any) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def sent_twice(source: Path, target: Path) -> None:
    link(source, target)
    raise FileExistsError(errno.EEXIST, "File exists")


def call(folder: Path, name: str) -> Any:
    """What the call `name` answers; None where it did not begin."""
    file = folder / f"{name}.answer"
    file.unlink(missing_ok=True)
    answer_to_file(abs, (-5,), {}, 1, file, folder / "x.claim", lambda: name)
    return pickle.loads(file.read_bytes()) if file.exists() else None


@pytest.mark.parametrize("links", [link, without_links, sent_twice])
def test_one_call_begins_and_may_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: Callable[..., None]
) -> None:
    monkeypatch.setattr(os, "link", links)
    assert call(tmp_path, "one") == (True, 5)
    assert call(tmp_path, "one") == (True, 5)  # as a cluster does that requeues it
    assert call(tmp_path, "two") is None
    assert claimed(tmp_path / "x.claim", WITHDRAWN) == "one"
    assert not list(tmp_path.glob("x.claim.*"))


@pytest.mark.parametrize("links", [link, without_links])
def test_of_those_who_try_at_once_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: Callable[..., None]
) -> None:
    monkeypatch.setattr(os, "link", links)
    names, found = [f"job{number}" for number in range(8)], {}
    barrier = threading.Barrier(len(names))

    def attempt(name: str) -> None:
        barrier.wait()
        found[name] = claimed(tmp_path / "x.claim", name)

    threads = [threading.Thread(target=attempt, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == names
    assert set(found.values()) == {(tmp_path / "x.claim").read_text()}


def test_a_name_that_never_comes_is_not_waited_for_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_PAUSE_SECONDS", 0.0)
    (tmp_path / "x.claim").touch()  # its maker was killed
    assert claimed(tmp_path / "x.claim", "two") == WITHDRAWN
