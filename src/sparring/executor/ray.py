"""`executor=ray`: every cell in a process of Ray, on this computer or in a cluster of machines."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any

from sparring.core.errors import ConfigError
from sparring.core.signals import handlers_kept
from sparring.executor.base import Detached

_NAMESPACE = "sparring"
_UNCALLED = 60.0  # seconds after which an actor ends that nobody has called
_PATIENCE = 15.0  # seconds that an address may take to answer
_PROBE = """
import os, sys
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what Ray prints is no answer
import ray
print(file=answer, flush=True)
try:
    ray.init(address=sys.argv[1], log_to_driver=False)
except Exception as error:
    print((str(error).strip().splitlines() or [type(error).__name__])[0], file=answer, flush=True)
    sys.exit(1)
"""


def _own_name() -> str:
    return str(_ray().get_runtime_context().get_actor_name())


class Ray(Detached):
    """Gives calls to actors, which Ray places where there are enough resources.

    With an address they go on when this program ends; the Ray that it starts itself ends with it.

    Args:
        address: of a cluster, such as 10.0.0.1:6379 or ray://10.0.0.1:10001; auto: the one on this computer; null: a new one.
        workers, threads, run_dir: see `Detached`; that folder must lie on a file system that all machines share.
        cpus, gpus: that a cell takes; a share such as 0.5 puts two on one GPU.

    Raises:
        ConfigError: Ray is not there, or nothing answers at the address.
    """

    own_name = staticmethod(_own_name)

    def __init__(
        self, *, address: str | None, workers: int, threads: int, cpus: float, gpus: float, run_dir: str
    ) -> None:
        with handlers_kept():  # Ray has a handler of its own for SIGTERM
            self._ray: Any = _ray()
        if cpus < 0 or gpus < 0:
            raise ConfigError(f"executor.cpus={cpus} and executor.gpus={gpus} must be 0 or more.")
        super().__init__(workers=workers, threads=threads, run_dir=run_dir)
        if address is not None:
            _check_answers(str(address))
        try:
            with handlers_kept():
                self._ray.init(  # None would join the Ray that was started last on this computer
                    address="local" if address is None else address, namespace=_NAMESPACE,
                    include_dashboard=False if address is None else None,
                    log_to_driver=False, logging_level="error", ignore_reinit_error=True,
                )  # fmt: skip
        except Exception as error:  # of many kinds, the plain one among them
            first = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise ConfigError(f"executor.address={address}: Ray cannot be used there ({first}).") from error
        self.outlives = address is not None
        self._actor = self._ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(_Runner)
        self._kept: dict[str, Any] = {}  # Ray ends an actor that nobody refers to

    def _start(self, fn: Callable[..., Any], *args: Any) -> str:
        name = uuid.uuid4().hex
        actor = self._actor.options(name=name, lifetime="detached" if self.outlives else None).remote()
        self._kept[name] = actor, actor.run.remote(fn, *args)
        return name

    def _alive(self, job: str) -> bool:
        try:
            self._ray.get_actor(job, namespace=_NAMESPACE)
        except ValueError:
            self._kept.pop(job, None)
            return False
        return True

    def _cancel(self, job: str) -> None:
        with contextlib.suppress(ValueError):
            self._ray.kill(self._ray.get_actor(job, namespace=_NAMESPACE))

    def _log(self, job: str) -> str:
        return "Ray's own logs say why, as does `ray list actors`"

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError("executor=ray needs the package ray: pip install -c constraints.txt -e '.[ray]'.") from error
    return ray


class _Runner:
    """The process of one call, which ends with it; or after a while, where the program that would call it has ended."""

    def __init__(self) -> None:
        self._uncalled = threading.Timer(_UNCALLED, os._exit, (0,))
        self._uncalled.daemon = True
        self._uncalled.start()

    def run(self, fn: Callable[..., Any], *args: Any) -> None:
        import ray

        self._uncalled.cancel()
        try:
            fn(*args)
        finally:  # also where the answer cannot be written: else it would count as one that runs
            ray.actor.exit_actor()


def _check_answers(address: str) -> None:
    """Raise ConfigError where nothing listens at the address, or where no Ray can be joined there within `_PATIENCE`.

    Another process tries to join: where something listens and is silent, Ray waits for minutes and cannot be interrupted.
    """
    why = ("" if address == "auto" else _unreachable(address)) or _refusal(address)
    if why:
        raise ConfigError(
            f"executor.address={address} does not answer ({why}): give host:port of a Ray that runs (`ray start --head` prints "
            "it; where it starts with a token, set RAY_AUTH_MODE=token), auto for the one on this computer, or null to start one."
        )


def _refusal(address: str) -> str:
    """Why another process could not join a Ray there; empty where it could. That process never outlives this call."""
    command = [sys.executable, "-c", _PROBE, address]
    with subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as probe:
        assert probe.stdout is not None
        try:
            probe.stdout.readline()  # Ray is imported; no buffer, which communicate would not see
            said = probe.communicate(timeout=_PATIENCE)[0].decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            return f"nothing that Ray knows came in {_PATIENCE:g} s"
        finally:  # also at a signal: nobody waits for it then
            probe.kill()
    return (said.partition(". ")[0].rstrip(".") or "Ray ended") if probe.returncode else ""


def _unreachable(address: str) -> str:
    """Why nothing can be connected to there; empty where something can."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if not host or not port.isdigit():
        return "no host:port"
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        return str(error)
    return ""
