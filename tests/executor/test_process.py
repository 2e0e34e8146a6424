"""Worker processes: they stay, one that dies takes one call along, and none outlives the main process."""

import os
import signal
import subprocess
import sys
import time

import pytest

from sparring.core.errors import ConfigError
from sparring.executor.inline import Inline
from sparring.executor.process import Process
from sparring.executor.support.answer import CallStopped, WorkerDied


def fail() -> None:
    raise ValueError("no")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_workers_stay_fail_and_die_one_at_a_time() -> None:
    with Process(workers=1, threads=1, gpus=1) as executor:
        pid = executor.submit(os.getpid).result()
        assert pid != os.getpid()
        with pytest.raises(RuntimeError, match="ValueError: no"):
            executor.submit(fail).result()
        assert executor.submit(os.getpid).result() == pid
        dead, next_one = executor.submit(die), executor.submit(os.getpid)
        with pytest.raises(WorkerDied, match="SIGKILL"):
            dead.result()
        assert next_one.result() not in (pid, os.getpid())
        assert executor.submit(_threads).result() == 1
    assert not _alive(pid)


def _threads() -> int:
    import torch

    return torch.get_num_threads()


@pytest.mark.slow
def test_cancelling_kills_what_runs() -> None:
    executor = Process(workers=1, threads=1, gpus=1)
    pid = executor.submit(os.getpid).result()
    running, waiting = executor.submit(time.sleep, 60), executor.submit(os.getpid)
    while not running.running():
        time.sleep(0.01)
    started = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - started < 20
    assert isinstance(running.exception(), WorkerDied)
    assert waiting.cancelled()
    assert not _alive(pid)


@pytest.mark.slow
def test_a_worker_leaves_when_the_main_process_is_killed() -> None:
    script = (
        "import os, time\nfrom sparring.executor.process import Process\n"
        "if __name__ == '__main__':\n"
        "    executor = Process(workers=1, threads=1, gpus=1)\n"
        "    print(executor.submit(os.getpid).result(), flush=True)\n"
        "    executor.submit(time.sleep, 100)\n    time.sleep(100)\n"
    )
    main = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert main.stdout is not None
    pid = int(main.stdout.readline())
    time.sleep(0.3)
    main.kill()
    main.wait()
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


@pytest.mark.slow
def test_a_call_whose_process_starts_is_stopped_too() -> None:
    executor = Process(workers=1, threads=1, gpus=None)
    starting = executor.submit(time.sleep, 60)
    while not starting.running():
        time.sleep(0.001)
    started = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - started < 20
    assert isinstance(starting.exception(), WorkerDied)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_inline_runs_at_once_and_gives_the_threads_back() -> None:
    import torch

    before = torch.get_num_threads()
    with Inline(threads=1) as executor:
        assert executor.submit(os.getpid).result() == os.getpid()
        assert isinstance(executor.submit(fail).exception(), ValueError)
    assert torch.get_num_threads() == before


def test_no_workers_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"executor.workers=0"):
        Process(workers=0, threads=1, gpus=1)


def _stop() -> None:
    from sparring.core.errors import Interrupted

    raise Interrupted("stopped by SIGTERM", 15)


def _gpus() -> str | None:
    time.sleep(0.5)  # so that no worker takes both calls
    return os.environ.get("CUDA_VISIBLE_DEVICES")


@pytest.mark.slow
def test_a_call_that_a_signal_stopped_and_a_gpu_for_each_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    with Process(workers=2, threads=1, gpus=1) as executor:
        stopped = executor.submit(_stop)
        with pytest.raises(CallStopped, match="stopped by SIGTERM"):  # another error than that of a call that failed
            stopped.result()
        seen = [executor.submit(_gpus) for _ in range(2)]
        assert {each.result() for each in seen} == {"3", "5"}
