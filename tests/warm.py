"""Commands started as forks of one warm process, which has imported torch, Lightning and Hydra: 0.1 s where Python takes 6.

A fork runs the script from its first line with the given arguments, environment, directory and open files, and everything of
sparring is imported anew. `tests.conftest.command` uses it; tests of start-up, signals and installation start real processes.
"""

import atexit
import fcntl
import json
import os
import random
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

PRELOADED = (
    "torch", "lightning.pytorch", "torchmetrics", "hydra", "hydra.core.hydra_config", "hydra._internal.instantiate._instantiate2",
    "omegaconf", "numpy", "PIL.Image", "safetensors.torch", "sklearn.datasets", "scipy.linalg", "scipy.stats", "torch._dynamo",
    "matplotlib.figure", "matplotlib.backends.backend_svg", "matplotlib.backends.backend_agg", "jinja2", "rich.console", "dotenv",
)  # fmt: skip


ADDRESS = "SPARRING_TESTS_WARM"  # where a fork finds the warm process, for the further processes of its training


class Warm:
    """Runs scripts as forks of a process that starts with the first of them, and ends with the tests, in whichever worker."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python, self._address = python, ""
        self._lock = threading.Lock()

    def run(
        self, arguments: Sequence[str], *, cwd: Path, timeout: float, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run([sys.executable, *arguments], capture_output=True, text=True, ...)` gives.

        Raises:
            subprocess.TimeoutExpired: it took longer than `timeout` seconds, and was killed.
        """
        fork = self.start(arguments, cwd=cwd, environment=environment)
        out, err = fork.communicate(timeout)
        assert fork.returncode is not None
        return subprocess.CompletedProcess(list(arguments), fork.returncode, out, err)

    def start(self, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None) -> "Fork":
        """What `subprocess.Popen([sys.executable, *arguments], stdout=PIPE, stderr=PIPE, text=True, ...)` gives."""
        return Fork(self._started(), arguments, cwd=cwd, environment={**(environment or os.environ)})

    def _started(self) -> str:
        with self._lock:
            if not self._address:
                folder, parent = _folder(shared=self._python == sys.executable)
                with (folder / "lock").open("w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    _start(self._python, folder / "socket", parent)
                self._address = str(folder / "socket")
        return self._address


def _folder(*, shared: bool) -> tuple[Path, int]:
    """(folder of the warm process, the process that it ends with); one for all workers of pytest-xdist if `shared`."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if shared and session:
        folder = Path(tempfile.gettempdir()) / f"warm-{session}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder, os.getppid()
    return Path(tempfile.mkdtemp(prefix="warm-")), os.getpid()


def _start(python: str, address: Path, parent: int) -> None:
    """Start the process unless another worker has, and wait until it listens."""
    if address.exists():
        return
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # each fork has its own
    server = subprocess.Popen([python, __file__, str(address), str(parent)], env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not address.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("The warm process did not start; run its file by hand to see why.")
        time.sleep(0.02)


class Script:
    """A fork of the warm process that runs a script, with the part of `subprocess.Popen` that needs no output."""

    def __init__(
        self, address: str, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], files: Sequence[int]
    ) -> None:
        self.arguments = list(arguments)
        self.returncode: int | None = None
        self._connection = _connected(address)
        _ask(self._connection, arguments, cwd, environment, files)
        self._answers = self._connection.makefile("r")
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self.returncode = int(self._answers.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Fork(Script):
    """One whose output is kept, as tests want it."""

    def __init__(self, address: str, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
        self._out, self._err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115 - `communicate` closes
        files = [self._out.fileno(), self._err.fileno()]
        super().__init__(address, arguments, cwd=cwd, environment={**environment, ADDRESS: address}, files=files)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """(standard output, standard error) of the whole run, which is killed after `timeout` seconds."""
        if self.poll() is None and not select.select([self._connection], [], [], timeout)[0]:
            os.kill(self.pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(self.arguments, timeout)
        self.poll()
        with self._out, self._err, self._connection:
            for file in (self._out, self._err):
                file.seek(0)
            return self._out.read(), self._err.read()


class Child(Script):
    """What Lightning needs of `subprocess.Popen` for the further processes of a training."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None) -> None:
        super().__init__(env[ADDRESS], command[1:], cwd=Path(cwd or os.getcwd()), environment=env, files=[1, 2])


def _connected(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    return connection


def _ask(
    connection: socket.socket, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], files: Sequence[int]
) -> None:
    request = {"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)}
    socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], files)


def _serve(address: str, parent: int) -> None:
    sys.path.pop(0)  # the folder of this file, whose packages are named like what they test
    for name in PRELOADED:
        __import__(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address + ".new")
    listener.listen(8)
    os.rename(address + ".new", address)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    listener.settimeout(1)
    while _runs(parent):
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _wait_for_one(connection)
            os._exit(0)
        connection.close()
    shutil.rmtree(Path(address).parent)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for_one(connection: socket.socket) -> None:
    content, files, _, _ = socket.recv_fds(connection, 1 << 16, 2)
    while not content.endswith(b"\n"):
        more = connection.recv(1 << 16)
        if not more:  # whoever asked has died
            return
        content += more
    pid = os.fork()
    if pid == 0:
        connection.close()
        for number, file in zip((1, 2), files, strict=True):
            os.dup2(file, number)
            os.close(file)
        request = json.loads(content)
        os._exit(run_script(request["arguments"], Path(request["cwd"]), request["environment"]))
    connection.sendall(f"{pid}\n".encode())
    connection.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())


def run_script(arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> int:
    """What `python <arguments>` does, in this process, a fork; returns the exit code."""
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    sys.argv = list(arguments)
    folders = [str(Path(arguments[0]).resolve().parent), *environment.get("PYTHONPATH", "").split(os.pathsep)]
    sys.path[:0] = [folder for folder in folders if folder and folder not in sys.path]
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tempfile.tempdir = None
    random.seed()
    if ADDRESS in environment and "lightning.pytorch" in sys.modules:
        from lightning.pytorch.strategies.launchers import subprocess_script

        subprocess_script.subprocess = types.SimpleNamespace(Popen=Child)
    atexit._clear()  # what was registered before the fork is not for this process
    code = 1
    try:
        runpy.run_path(arguments[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


WARM = Warm()

if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
