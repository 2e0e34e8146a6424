"""Short trainings that are started from the page, each its own process; they end with the playground."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import IO

from sparring.config.compose import quoted
from sparring.core.errors import ConfigError
from sparring.core.program import NAME
from sparring.core.signals import tied_children

MOST_STEPS = 5000
PATIENCE = 10.0  # seconds that a training has to save itself when it is stopped
MODELS = ("rpgan", "gan", "dcgan", "sngan", "wgan_gp", "flow")  # offered on the page
DATA = ("digits", "toy2d")
LAST_WORDS = 500  # characters


class Trainings:
    """One training at a time, for all visitors.

    Args:
        log_dir: the folder that holds train/. cache_dir: of decoded data.
    """

    def __init__(self, log_dir: Path, cache_dir: str) -> None:
        self.log_dir, self.cache_dir = log_dir, cache_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self._written: dict[Path, tuple[subprocess.Popen[bytes], IO[bytes]]] = {}  # stderr by run
        self._tie, self._files, self._lock = contextlib.ExitStack(), contextlib.ExitStack(), threading.Lock()

    @property
    def running(self) -> Path | None:
        """The run that was started last and has not ended."""
        alive = self._process is not None and self._process.poll() is None
        return self._directory if alive else None

    def start(self, model: str, data: str, steps: int, seed: int) -> Path:
        """Start `train.py`; the directory of the run, which appears within seconds.

        Raises:
            ConfigError: another one is running, or a setting that the page does not offer.
        """
        if model not in MODELS or data not in DATA:
            raise ConfigError(f"model={model} data={data} is not offered here; start it on a command line.")
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
            raise ConfigError(
                f"{steps} iterations are not from 1 to {MOST_STEPS}; start longer trainings on a command line."
            )
        if data == "toy2d" and model not in ("gan", "flow"):
            raise ConfigError(f"model={model} draws images, and toy2d has points; choose gan.")
        with self._lock:
            if self.running is not None:
                raise ConfigError(
                    f"{self.running.name} is still training, and one runs at a time; stop it, or wait for its end."
                )
            stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
            self._directory = self.log_dir / "train" / f"{stamp}_play_{os.getpid()}"
            words = [f"model={model}", f"data={data}", f"trainer.max_steps={steps}", f"seed={seed}", "name=play"]
            words += ["callback.samples.first=20", "trainer.log_every_n_steps=10"]
            words += [f"paths.log_dir={quoted(self.log_dir)}", f"paths.cache_dir={quoted(self.cache_dir)}"]
            words += [f"hydra.run.dir={quoted(self._directory)}"]
            self._tie.close()
            variables, descriptors = self._tie.enter_context(
                tied_children()
            )  # it ends with this process, however that ends
            written = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - it is read later
            self._process = subprocess.Popen(
                [sys.executable, "-m", NAME, "train", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=written, env=os.environ | variables, pass_fds=descriptors,
            )  # fmt: skip
            self._written[self._directory.resolve()] = self._process, written
            return self._directory

    def last_words(self, run: Path) -> str | None:
        """The last line that a training wrote to stderr, once its process has ended; None: it goes on, or began elsewhere."""
        process, written = self._written.get(run.resolve(), (None, None))
        if process is None or written is None or process.poll() is None:
            return None
        with self._lock:
            written.seek(0)
            lines = written.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][-LAST_WORDS:] if said else f"exit code {process.returncode}, without a word"

    def stop(self) -> bool:
        """Ask the training to save itself and end; whether there was one. Waits for it, and kills it after PATIENCE."""
        with self._lock:
            process = self._process
            if process is None or process.poll() is not None:
                return False
            with contextlib.suppress(OSError):
                process.terminate()
            deadline = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if process.poll() is None:
                process.kill()
                process.wait()
            return True
