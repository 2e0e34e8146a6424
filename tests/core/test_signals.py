"""One handler: which signals stop a program, which ask it to save, and when."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from sparring.core.signals import HANDLED, PARENT, SAVING, STOPPING, Stop, held, listening, polled, tied_children


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_to_stop_raises_what_no_handler_of_errors_swallows(number: int) -> None:
    before = [signal.getsignal(each) for each in HANDLED]
    with pytest.raises(Stop) as raised, listening(), contextlib.suppress(Exception):
        send(number)
    assert (raised.value.number, str(raised.value)) == (number, f"stopped by {signal.Signals(number).name}")
    assert [signal.getsignal(each) for each in HANDLED] == before


@pytest.mark.parametrize("number", SAVING)
def test_a_signal_to_save_means_nothing_without_a_state_and_is_kept_for_a_loop(number: int) -> None:
    with listening():
        send(number)
        with polled() as requests:
            send(number)
            assert (requests.save, requests.stop) == (number, 0)


def test_a_loop_is_asked_first_and_stopped_second() -> None:
    with polled() as requests:
        send(signal.SIGTERM)
        assert requests.stop == signal.SIGTERM
        with pytest.raises(Stop):
            send(signal.SIGINT)


def test_what_says_how_it_ended_is_not_interrupted() -> None:
    with listening():
        with held():
            send(signal.SIGHUP)
        with pytest.raises(Stop):
            send(signal.SIGHUP)


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_third_signal_ends_the_process() -> None:
    code = (
        "import os, signal\nfrom sparring.core.signals import held, listening\nwith listening(), held():\n"
        "    for _ in range(3): os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGTERM


WAITING = (
    "import time\nfrom sparring.core.signals import Stop, listening, stop_with_parent\nstop_with_parent()\n"
    "with listening():\n    try:\n        print('ready', flush=True)\n        time.sleep(60)\n"
    "    except Stop as error:\n        print(error, flush=True)\n"
)


def test_a_child_stops_when_its_parent_is_killed() -> None:
    code = (
        "import os, subprocess, sys, time\nfrom sparring.core.signals import tied_children\n"
        f"with tied_children() as (tie, descriptors):\n    subprocess.Popen([sys.executable, '-c', {WAITING!r}],"
        " env={**os.environ, **tie}, pass_fds=descriptors)\n    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    parent.wait()
    assert parent.stdout.readline() == "stopped by SIGTERM\n"


def test_a_child_that_goes_on_is_not_stopped_while_its_parent_lives() -> None:
    with tied_children() as (tie, descriptors):
        environment = {**os.environ, **tie}
        child = subprocess.Popen(
            [sys.executable, "-c", WAITING.replace("60", "0.3")], env=environment, pass_fds=descriptors,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.communicate()[0] == "ready\n"
    assert PARENT not in os.environ


def test_a_closed_terminal_does_not_break_what_is_still_written() -> None:
    code = (
        "import sys, time\nfrom sparring.core.signals import polled\nwith polled() as requests:\n"
        "    print('ready', flush=True)\n    while not requests.stop: time.sleep(0.01)\n"
        "    print('saving', flush=True)\n    open(sys.argv[1], 'w').write('saved')\n"
    )
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", code, f"/dev/fd/{write_end}"])
    os.close(write_end)
    assert b"ready" in os.read(terminal, 100)
    os.close(terminal)  # the kernel sends SIGHUP, and writing to the terminal is an error from now on
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG)[0] == 0:
        time.sleep(0.01)
    assert os.read(read_end, 10) == b"saved"
