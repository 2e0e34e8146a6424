"""What `play.py` reads from its configuration, once, as plain values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from sparring.config.plain import plain
from sparring.core.errors import ConfigError
from sparring.core.settings import at_least_one, device_named

SHARED = re.compile(r"[+~]*(direction|device|extensions|hydra\.searchpath)\b")


@dataclass(frozen=True)
class PlaySettings:
    """conf/play.yaml says what each key means.

    Args:
        attack, attribution, direction: the sections as plain values, to build from.
        shared: overrides as typed, of device, directions, extensions and folders of configurations, which `generate` takes too.
    """

    run: str
    classifier: str | None
    enhancer: str | None
    host: str
    port: int
    open_browser: bool
    neighbours: int
    invert_steps: int
    train_steps: int
    device: torch.device
    log_dir: Path
    cache_dir: str
    attack: dict[str, Any]
    attribution: dict[str, Any]
    direction: dict[str, Any]
    shared: tuple[str, ...]

    @classmethod
    def of(cls, config: DictConfig, typed: Sequence[str] = ()) -> "PlaySettings":
        """The settings of a run of `play.py`, and the overrides that were typed.

        Raises:
            ConfigError: a port, number or device that there is not.
        """
        at_least_one(neighbours=config.neighbours, invert_steps=config.invert_steps, train_steps=config.train_steps)
        if isinstance(config.port, bool) or not isinstance(config.port, int) or not 0 <= config.port < 2**16:
            raise ConfigError(f"port={config.port} is no port; give a number up to 65535, or 0 for any that is free.")
        return cls(
            run=str(config.run), classifier=_text(config.classifier), enhancer=_text(config.enhancer),
            host=str(config.host), port=config.port, open_browser=bool(config.open_browser),
            neighbours=config.neighbours, invert_steps=config.invert_steps, train_steps=config.train_steps,
            device=device_named(config.device), log_dir=Path(config.paths.log_dir), cache_dir=config.paths.cache_dir,
            attack=plain(config.attack), attribution=plain(config.attribution), direction=plain(config.direction),
            shared=tuple(word for word in typed if SHARED.match(word)),
        )  # fmt: skip


def _text(given: Any) -> str | None:
    return None if given is None else str(given)
