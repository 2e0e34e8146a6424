"""What can be said of a command before anything heavy is imported: which run `latest` is, and what cannot work."""

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.cli.combined import check_combined
from sparring.config.compose import quoted
from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.core.program import command, hint

LATEST = "latest"
PLAY_EXTRA = "pip install 'gradio>=6.31,<7' (the extra `play`)"


def use_of(verb: str, key: str) -> str | None:
    """What the setting `key` needs a run for, a key of _USES; None if it names no run."""
    return verb if key == "run" and verb in _USES else key if key == "resume" else _OTHERS.get(key)


def expand_latest(verb: str, overrides: Sequence[str], *, log_dir: Path) -> list[str]:
    """`overrides` with the directory in place of `latest` in `run=latest`, `resume=latest` or another setting that names a run.

    It is the newest that the setting can take.

    Args:
        log_dir: the folder that holds train/, study/, ...

    Raises:
        CheckpointError: there is none.
        ConfigError: `resume=latest` of a verb that does not go on with runs.
    """
    expanded = []
    for item in overrides:
        key, _, value = item.partition("=")
        if value.strip("'\"") == LATEST and (use := use_of(verb, key)) is not None:
            if use == "resume" and verb not in _RESUMED:
                raise ConfigError(_starts_anew(verb, log_dir))
            folder = log_dir / (verb if key == "resume" else "train")
            item = f"{key}={quoted(_newest(folder, key, use))}"
        expanded.append(item)
    return expanded


def usable(folder: Path, use: str) -> Iterator[Path]:
    """The runs in `folder` that can be used for `use`, jobs of sweeps too, the newest first."""
    fits, _ = _USES[use]
    directories = sorted((file.parent for file in folder.glob("*/status.json")), reverse=True)
    directories += sorted((file.parent for file in folder.glob("*_sweep_*/*/status.json")), reverse=True)
    for directory in sorted(directories, key=lambda each: (each / "status.json").stat().st_mtime, reverse=True):
        result = _content(directory / "result.json")
        if use == "resume" or (result.get("verb") and fits(result)):
            yield directory


def _newest(folder: Path, key: str, use: str) -> Path:
    found = next(usable(folder, use), None)
    if found is None:
        verb = folder.name if use == "resume" else "train"
        message = f"there is no {_USES[use][1]} in {folder} for {key}=latest; make one with `{hint(verb, *_MAKES.get(use, ()))}`."
        raise CheckpointError(message)
    return found.resolve()


def _starts_anew(verb: str, log_dir: Path) -> str:
    """That a verb has no `resume`, and what to type instead."""
    commands = [hint(verb)]
    if verb in _USES:
        trained = next(usable(log_dir / "train", verb), None)
        commands = [hint("train", *_MAKES.get(verb, ()))] * (trained is None) + [hint(verb, "run=latest")]
    instead = " and then ".join(f"`{each}`" for each in commands)
    return (
        f"resume=latest: only {' and '.join(_RESUMED)} go on with an earlier run, {verb} starts anew; type {instead}."
    )


def _enhances(result: Mapping[str, Any]) -> bool:
    return "enhancer" in result.get("parameters", {})


def _draws(result: Mapping[str, Any]) -> bool:
    if "perturber" in result or _enhances(result):
        return False
    return "classification" not in result or "generator" in result.get("parameters", {})


_USES: Mapping[str, tuple[Callable[[Mapping[str, Any]], bool], str]] = {
    "generate": (_draws, "finished run of a generator"),
    "evaluate": (_draws, "finished run of a generator"),
    "attack": (lambda result: "classification" in result, "finished run of a classifier"),
    "explain": (lambda result: not _enhances(result), "finished run of a classifier or GAN"),
    "enhance": (_enhances, "finished run of model=restorer or model=srgan"),
    "export": (lambda result: "perturber" not in result, "finished training"),
    "play": (_draws, "finished run of a generator"),
    "resume": (lambda result: True, "run"),
}
_RESUMED = ("train", "study")  # verbs that have the setting `resume`
# What trains such a run, where it is not the default.
_MAKES: Mapping[str, tuple[str, ...]] = {"attack": ("model=classifier",), "enhance": ("model=restorer",)}
# Other settings that name a run -> the verb whose runs they take.
_OTHERS = {
    "classifier": "attack", "enhancer": "enhance", "baseline": "attack", "model.target": "attack", "generator": "generate",
    "defence.generator": "generate",
}  # fmt: skip


def check_early(verb: str, overrides: Sequence[str]) -> None:
    """Refuse what needs no library to be refused.

    Raises:
        ConfigError: a package that is missing, nothing to evaluate, settings that would be ignored beside others, or a run to
            resume that has trained its whole budget.
        DataError: `data.path` leads nowhere.
    """
    typed = {item.partition("=")[0].lstrip("+"): item.partition("=")[2].strip("'\"") for item in overrides}
    check_combined(verb, typed)
    if verb == "play" and importlib.util.find_spec("gradio") is None:
        raise ConfigError(f"the playground needs the package gradio, which is not installed: {PLAY_EXTRA}.")
    path = typed.get("data.path", "null")
    if path != "null" and "$" not in path and not Path(path).expanduser().exists():
        raise DataError(f"data.path={path} does not exist: give the folder or file that holds the data set.")
    if verb == "evaluate" and all(typed.get(key, "null") in ("null", "") for key in ("run", "images")):
        raise ConfigError(
            f"there is nothing to evaluate: name a trained GAN, as in {command(verb, 'run=latest')}, or images of your own "
            "with images=<folder> reference=<data set>."
        )
    if verb == "train" and typed.get("resume", "null") not in ("null", ""):
        _check_unfinished(Path(typed["resume"]), typed)


def _check_unfinished(run: Path, typed: Mapping[str, str]) -> None:
    """The stage asks the checkpoint; its record says the same at once."""
    result, status = _content(run / "result.json"), _content(run / "status.json")
    budget, iteration = result.get("budget"), (result.get("clock") or {}).get("iteration")
    asked = typed.get("trainer.max_steps", str(budget))
    if not isinstance(iteration, int) or iteration != budget or status.get("state") != "finished":
        return
    if typed.get("trainer.max_epochs", "null") == "null" and asked.isdecimal() and int(asked) <= iteration:
        raise ConfigError(
            f"{run} is finished: it has trained {iteration} of {asked} iterations; give a larger budget to train on, such as "
            f"trainer.max_steps={2 * iteration}."
        )


def _content(file: Path) -> dict[str, Any]:
    """A record; empty where there is none that can be read, which the stage then says."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
