"""The verbs, one file each: plain functions from a configuration and a new run directory to a result."""

from importlib import import_module
from pathlib import Path
from typing import Any

WITHOUT_RUN = ("report", "play")  # verbs that leave a file where they are told to or nothing, and no run directory


def load(verb: str) -> Any:
    """The module of a stage; the first time that takes as long as torch and lightning need."""
    return import_module(f"sparring.stage.{verb}")


def call(verb: str, config: Any, run_dir: Path) -> Any:
    """`sparring.stage.<verb>.<verb>(config, run_dir)`; a stage is imported when it is called, and torch with it."""
    return getattr(load(verb), verb)(config, run_dir)
